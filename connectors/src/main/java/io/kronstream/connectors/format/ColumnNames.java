// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The wanted columns as a tree: {@code user.id} is the field {@code id} of the record {@code user}, or a field that is called
 * so itself.
 */
final class ColumnNames {
    static final int NONE = -1;

    private final Map<String, ColumnNames> fields = new HashMap<>();
    private int column = NONE;

    static ColumnNames of(List<String> columns) {
        ColumnNames root = new ColumnNames();
        for (int i = 0; i < columns.size(); i++) {
            ColumnNames node = root;
            for (String name : columns.get(i).split("\\.", -1)) {
                node = node.fields.computeIfAbsent(name, any -> new ColumnNames());
            }
            node.column = i;
            root.fields.putIfAbsent(columns.get(i), node);
        }
        return root;
    }

    /** What is wanted of a field; null if nothing is. */
    ColumnNames field(String name) {
        return fields.get(name);
    }

    /** The column that the value itself fills, or {@link #NONE}. */
    int column() {
        return column;
    }
}
