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

    private static final Kind[] KINDS = Kind.values();
    private static final byte MISSING = (byte) Kind.MISSING.ordinal();
    private static final byte TEXT = (byte) Kind.TEXT.ordinal();

    private final byte[] kinds;
    /** The array that most texts of the row lie in: so no reference is stored for each of them. */
    private byte[] line;

    /** The arrays of the other texts. */
    private final byte[][] own;

    /** Where texts begin, in {@link #line}; or in {@link #own}, as the complement. */
    private final int[] start;

    private final int[] end;
    private final double[] numbers;
    private final List<List<byte[]>> lists = new ArrayList<>();

    public Row(int columns) {
        kinds = new byte[columns];
        own = new byte[columns][];
        start = new int[columns];
        end = new int[columns];
        numbers = new double[columns];
        for (int column = 0; column < columns; column++) {
            lists.add(null);
        }
        clear();
    }

    void clear() {
        Arrays.fill(kinds, MISSING);
    }

    /** Says in which array most texts of the next row lie, before the first of them. */
    void line(byte[] texts) {
        line = texts;
    }

    void text(int column, byte[] text, int from, int to) {
        kinds[column] = from == to ? MISSING : TEXT;
        if (text == line) {
            start[column] = from;
        } else {
            own[column] = text;
            start[column] = ~from;
        }
        end[column] = to;
    }

    void text(int column, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        text(column, utf8, 0, utf8.length);
    }

    void number(int column, double number) {
        kinds[column] = (byte) Kind.NUMBER.ordinal();
        numbers[column] = number;
    }

    void list(int column, List<byte[]> values) {
        kinds[column] = (byte) Kind.LIST.ordinal();
        lists.set(column, values);
    }

    void nested(int column) {
        kinds[column] = (byte) Kind.NESTED.ordinal();
    }

    public Kind kind(int column) {
        return KINDS[kinds[column]];
    }

    /** Whether a field holds text, which then has at least one byte. */
    public boolean isText(int column) {
        return kinds[column] == TEXT;
    }

    /** The array that holds a text, from {@link #start} to before {@link #end}. */
    public byte[] bytes(int column) {
        return start[column] < 0 ? own[column] : line;
    }

    public int start(int column) {
        return start[column] < 0 ? ~start[column] : start[column];
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
        return switch (kind(column)) {
            case MISSING -> "";
            case TEXT -> new String(bytes(column), start(column), end(column) - start(column), StandardCharsets.UTF_8);
            case NUMBER -> Double.toString(numbers[column]);
            case LIST -> "a list";
            case NESTED -> "a nested value";
        };
    }
}
