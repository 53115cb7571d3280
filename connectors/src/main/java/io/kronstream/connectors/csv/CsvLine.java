// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.csv;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Splits one record of comma-separated text (RFC 4180) into fields, without an object per field: it works on UTF-8
 * bytes, in which every comma, quote and line break is one byte that means itself. A quote that does not open its field
 * is an ordinary character, as in most readers; spaces belong to the field; one line break at the end of a line is
 * allowed. The fields are valid until the next {@link #split}. Not thread-safe.
 */
public final class CsvLine {

    /** Why a record could not be split. */
    public enum Fault {
        NONE,
        /** The quotes of the last field are never closed. */
        UNCLOSED_QUOTES,
        /** Something other than a comma follows the closing quotes of the last field. */
        TEXT_AFTER_QUOTES,
        /** There is a line break outside quotes before the end of a record of one line. */
        SEVERAL_LINES
    }

    /** No reference is stored for a field: the collector's barriers would cost more than the rest of the field. */
    private byte[] text = new byte[0];

    /** Where the fields begin, in {@link #text}; or in {@link #unescaped}, as the complement. */
    private int[] start = new int[16];

    private int[] end = new int[16];
    private int count;
    private int next;
    private byte[] unescaped = new byte[64];
    private int unescapedLength;

    /** Splits a record of one line; after a fault, {@link #count()} is the number of fields before the faulty one. */
    public Fault split(byte[] record) {
        Fault fault = split(record, 0);
        return fault == Fault.NONE && next < record.length ? Fault.SEVERAL_LINES : fault;
    }

    /** Splits the line of a text that begins at {@code from}; {@link #next()} is where the one after it begins. */
    public Fault split(byte[] text, int from) {
        this.text = text;
        count = 0;
        unescapedLength = 0;
        int position = from;
        while (true) {
            if (position < text.length && text[position] == '"') {
                int after = quoted(text, position + 1);
                if (after < 0) {
                    return Fault.UNCLOSED_QUOTES;
                }
                if (after < text.length && text[after] != ',' && lineBreak(text, after) == 0) {
                    count--;
                    return Fault.TEXT_AFTER_QUOTES;
                }
                position = after;
            } else {
                int first = position;
                position = unquotedEnd(text, position);
                add(first, position);
            }
            if (position == text.length || text[position] != ',') {
                next = position + (position == text.length ? 0 : lineBreak(text, position));
                return Fault.NONE;
            }
            position++;
        }
    }

    /** The position of the comma or the line break after an unquoted field, or the length of the text. */
    private static int unquotedEnd(byte[] text, int from) {
        int position = from;
        while (position < text.length) {
            byte b = text[position];
            if (b <= ',' && (b == ',' || b == '\n' || b == '\r')) { // digits, letters, '-' and '.' come after the comma
                break;
            }
            position++;
        }
        return position;
    }

    /** Bytes of the line break at a position; 0 if there is none. A carriage return alone is one as well. */
    private static int lineBreak(byte[] text, int position) {
        if (text[position] == '\n') {
            return 1;
        }
        if (text[position] != '\r') {
            return 0;
        }
        return position + 1 < text.length && text[position + 1] == '\n' ? 2 : 1;
    }

    /** Adds the field whose text starts at {@code from}; returns the position after its closing quote, or -1. */
    private int quoted(byte[] record, int from) {
        boolean doubled = false;
        for (int i = from; i < record.length; i++) {
            if (record[i] == '"') {
                if (i + 1 < record.length && record[i + 1] == '"') {
                    doubled = true;
                    i++;
                } else {
                    if (doubled) {
                        addUnescaped(record, from, i);
                    } else {
                        add(from, i);
                    }
                    return i + 1;
                }
            }
        }
        return -1;
    }

    private void addUnescaped(byte[] record, int from, int to) {
        if (unescaped.length < unescapedLength + to - from) {
            unescaped = Arrays.copyOf(unescaped, 2 * (unescapedLength + to - from));
        }
        int first = unescapedLength;
        for (int i = from; i < to; i++) {
            unescaped[unescapedLength++] = record[i];
            if (record[i] == '"') {
                i++;
            }
        }
        add(~first, unescapedLength);
    }

    private void add(int from, int to) {
        if (count == start.length) {
            start = Arrays.copyOf(start, 2 * count);
            end = Arrays.copyOf(end, 2 * count);
        }
        start[count] = from;
        end[count] = to;
        count++;
    }

    /** Where the line after the split one begins. */
    public int next() {
        return next;
    }

    /** Number of fields; a record without a comma has one. */
    public int count() {
        return count;
    }

    /** The array that holds the text of a field, from {@link #start} to before {@link #end}. */
    public byte[] bytes(int field) {
        return start[field] < 0 ? unescaped : text;
    }

    public int start(int field) {
        return start[field] < 0 ? ~start[field] : start[field];
    }

    public int end(int field) {
        return end[field];
    }

    /** The text of a field; what is not UTF-8 becomes the replacement character. */
    public String text(int field) {
        return new String(bytes(field), start(field), end(field) - start(field), StandardCharsets.UTF_8);
    }
}
