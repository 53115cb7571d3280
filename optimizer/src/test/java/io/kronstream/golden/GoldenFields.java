// SPDX-License-Identifier: Apache-2.0
package io.kronstream.golden;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * An object of a golden file, such as the settings of its reference. A field that nobody reads would be a setting that was
 * passed over: {@link #assertAllRead} finds it.
 */
public final class GoldenFields {
    private final String where;
    private final JsonNode node;
    private final Set<String> read = new HashSet<>();

    GoldenFields(String where, JsonNode node) {
        this.where = where;
        this.node = node;
    }

    /** Whether it is there and not null. */
    public boolean has(String name) {
        read.add(name);
        return node.hasNonNull(name);
    }

    public JsonNode get(String name) {
        if (!has(name)) {
            throw new AssertionError(where + " has no " + name);
        }
        return node.get(name);
    }

    public double number(String name) {
        JsonNode value = get(name);
        if (!value.isNumber()) {
            throw new AssertionError(name + " of " + where + " is no number: " + value);
        }
        return value.asDouble();
    }

    /** Where it is missing or null, the other. */
    public double number(String name, double otherwise) {
        return has(name) ? number(name) : otherwise;
    }

    public int count(String name) {
        double value = number(name);
        if (value != Math.rint(value)) {
            throw new AssertionError(name + " of " + where + " is no whole number: " + value);
        }
        return (int) value;
    }

    public boolean flag(String name) {
        JsonNode value = get(name);
        if (!value.isBoolean()) {
            throw new AssertionError(name + " of " + where + " is neither true nor false: " + value);
        }
        return value.asBoolean();
    }

    public boolean flag(String name, boolean otherwise) {
        return has(name) ? flag(name) : otherwise;
    }

    public String text(String name) {
        return get(name).asText();
    }

    /** A setting that has one value here, if it is there at all. */
    public void only(String name, Object value) {
        if (has(name) && !same(node.get(name), value)) {
            throw new AssertionError(name + " of " + where + " is " + node.get(name) + ", and can only be " + value);
        }
    }

    private static boolean same(JsonNode node, Object value) {
        return value instanceof Number number
                ? node.isNumber() && node.asDouble() == number.doubleValue()
                : node.asText().equals(value.toString());
    }

    /** What explains the others, or follows from them. */
    public void passOver(String... names) {
        read.addAll(List.of(names));
    }

    public void assertAllRead() {
        List<String> unread = new ArrayList<>();
        node.fieldNames().forEachRemaining(unread::add);
        unread.removeAll(read);
        if (!unread.isEmpty()) {
            throw new AssertionError(where + " has fields that no test reads: " + unread);
        }
    }
}
