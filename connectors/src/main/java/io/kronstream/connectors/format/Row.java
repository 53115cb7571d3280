// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The fields of one row, by the position of their column: text, a number, several values, or nothing. It is filled again
 * for every row, so that a field costs no object. Not thread-safe.
 */
public final class Row {

    /** What a field holds. */
    public enum Kind {
        /** Nothing: absent, null or empty. */
        MISSING,
        /** Text in UTF-8; the numbers of text formats too. */
        TEXT,
        /** A number of a binary format. */
        NUMBER,
        /** Several values. */
        LIST,
        /** A record, or a list of other than plain values. */
        NESTED
    }

    private final Kind[] kinds;
    private final byte[][] bytes;
    private final int[] start;
    private final int[] end;
    private final double[] numbers;
    private final List<List<byte[]>> lists = new ArrayList<>();

    public Row(int columns) {
        kinds = new Kind[columns];
        bytes = new byte[columns][];
        start = new int[columns];
        end = new int[columns];
        numbers = new double[columns];
        for (int column = 0; column < columns; column++) {
            lists.add(null);
        }
        clear();
    }

    void clear() {
        Arrays.fill(kinds, Kind.MISSING);
    }

    void text(int column, byte[] text, int from, int to) {
        kinds[column] = from == to ? Kind.MISSING : Kind.TEXT;
        bytes[column] = text;
        start[column] = from;
        end[column] = to;
    }

    void text(int column, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        text(column, utf8, 0, utf8.length);
    }

    void number(int column, double number) {
        kinds[column] = Kind.NUMBER;
        numbers[column] = number;
    }

    void list(int column, List<byte[]> values) {
        kinds[column] = Kind.LIST;
        lists.set(column, values);
    }

    void nested(int column) {
        kinds[column] = Kind.NESTED;
    }

    public Kind kind(int column) {
        return kinds[column];
    }

    /** The array that holds a text, from {@link #start} to before {@link #end}. */
    public byte[] bytes(int column) {
        return bytes[column];
    }

    public int start(int column) {
        return start[column];
    }

    public int end(int column) {
        return end[column];
    }

    /** The value of a {@link Kind#NUMBER}. */
    public double number(int column) {
        return numbers[column];
    }

    /** The values of a {@link Kind#LIST}, each in UTF-8. */
    public List<byte[]> list(int column) {
        return lists.get(column);
    }

    /** A field as a reader would write it; of a list or a record only what it is. */
    public String text(int column) {
        return switch (kinds[column]) {
            case MISSING -> "";
            case TEXT -> new String(bytes[column], start[column], end[column] - start[column], StandardCharsets.UTF_8);
            case NUMBER -> Double.toString(numbers[column]);
            case LIST -> "a list";
            case NESTED -> "a nested value";
        };
    }
}
