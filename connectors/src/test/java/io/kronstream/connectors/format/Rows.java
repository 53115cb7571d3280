// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads values whole, as texts. */
final class Rows {
    private Rows() {}

    /** Each row as its fields; a list as its values with {@code |} between them. */
    static List<List<String>> read(RowFormat.Reader reader, int columns, byte[] value) throws UndecodableException {
        Row row = new Row(columns);
        List<List<String>> rows = new ArrayList<>();
        reader.start(value);
        while (reader.next(row)) {
            List<String> fields = new ArrayList<>();
            for (int column = 0; column < columns; column++) {
                fields.add(row.kind(column) == Row.Kind.LIST ? list(row, column) : row.text(column));
            }
            rows.add(fields);
        }
        return rows;
    }

    private static String list(Row row, int column) {
        return String.join(
                "|",
                row.list(column).stream()
                        .map(value -> new String(value, StandardCharsets.UTF_8))
                        .toList());
    }

    static void assertRefused(RowFormat.Reader reader, int columns, byte[] value, String reason, String sentence) {
        UndecodableException refused =
                catchThrowableOfType(UndecodableException.class, () -> read(reader, columns, value));
        assertThat(refused).isNotNull();
        assertThat(refused.sentence()).contains(sentence);
        assertThat(refused.reason()).isEqualTo(reason);
    }
}
