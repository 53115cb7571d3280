// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.connectors.csv.CsvLine;
import io.kronstream.learner.Category;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Task;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Turns one line of comma-separated values into an example, as a schema says. A pure function of the record: whatever
 * the value is, it ends in an example or in an {@link UndecodableException}, never in another exception.
 *
 * <ul>
 *   <li>The model is the text of the key column, or the default model where the schema has none.
 *   <li>{@link Example#numeric()} holds the numeric columns in the schema's order, then the periodic columns in the
 *       order of their names. An empty field is NaN. A number must lie within the range of single precision.
 *   <li>A binary label is 0, 1, false or true (in any case and notation, such as {@code 1.0}); a regression label is a
 *       number; an empty one is NaN.
 *   <li>A categorical value is hashed by {@link CategoryHash}; an empty field is -1. A field of several values is cut at
 *       the column's separator; empty values between two separators do not count.
 *   <li>The time is that of the time column ({@link RecordTime}), or the Kafka record's timestamp where the schema has
 *       none.
 * </ul>
 *
 * Spaces and tabs around numbers, labels and times do not count. Reasons of rejection: {@code empty}, {@code
 * oversized}, {@code encoding}, {@code malformed}, {@code fields}, {@code key}, {@code number}, {@code label}, {@code
 * time}, {@code category}. Not thread-safe.
 */
public final class ExampleDecoder implements Serializable {
    private static final long serialVersionUID = 1;

    /** Bytes of the largest value that is read. */
    public static final int MAX_VALUE_BYTES = 1 << 20;

    /** Most values of one categorical field. */
    public static final int MAX_CATEGORIES = 1 << 12;

    /** Bytes of the longest model id. */
    public static final int MAX_MODEL_BYTES = 200;

    private static final int MAX_QUOTED_CHARACTERS = 40;

    private final DataSchema schema;
    private final String defaultModel;
    private final int[] numeric;
    private final int[] categorical;
    private final long[] categoryPrefixes;
    /** What separates the values of a categorical column, in UTF-8; null for a column of one value. */
    private final byte[][] separators;

    private final int label;
    private final int time;
    private final int key;

    private transient CsvLine line;
    private transient CharsetDecoder utf8;

    /**
     * @param defaultModel the model of every record, where the schema has no key column
     * @throws IllegalArgumentException if the schema has problems; the message is the first of them
     */
    public ExampleDecoder(DataSchema schema, String defaultModel) {
        List<String> problems = schema.problems();
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(problems.get(0));
        }
        this.schema = schema;
        this.defaultModel = defaultModel;
        List<String> numbers = new ArrayList<>(schema.numeric());
        numbers.addAll(schema.periodic().keySet());
        this.numeric = indices(numbers);
        List<Category> categories = schema.categorical();
        this.categorical = indices(categories.stream().map(Category::column).toList());
        this.categoryPrefixes = categories.stream()
                .mapToLong(category -> CategoryHash.prefix(category.column()))
                .toArray();
        this.separators = categories.stream()
                .map(category -> category.several() ? category.separator().getBytes(StandardCharsets.UTF_8) : null)
                .toArray(byte[][]::new);
        this.label = schema.columns().indexOf(schema.label());
        this.time = index(schema.time());
        this.key = index(schema.key());
        createScratch();
    }

    private int[] indices(List<String> columns) {
        return columns.stream().mapToInt(schema.columns()::indexOf).toArray();
    }

    private int index(String column) {
        return column == null ? -1 : schema.columns().indexOf(column);
    }

    private void createScratch() {
        line = new CsvLine();
        utf8 = StandardCharsets.UTF_8.newDecoder();
    }

    private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
        in.defaultReadObject();
        createScratch();
    }

    /** @throws UndecodableException if the record is not what the schema says */
    public Example decode(RawRecord raw) throws UndecodableException {
        split(raw.value());
        String model = model();
        long timestamp = time < 0 ? raw.timestamp() : time();
        double[] numbers = new double[numeric.length];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = number("number", numeric[i]);
        }
        int[] categories = categories();
        double truth = schema.task() == Task.BINARY ? binaryLabel() : number("label", label);
        return new Example(model, raw.partition(), raw.offset(), timestamp, numbers, categories, truth);
    }

    private void split(byte[] value) throws UndecodableException {
        if (value == null || value.length == 0) {
            throw new UndecodableException("empty", "The record has no value");
        }
        if (value.length > MAX_VALUE_BYTES) {
            throw new UndecodableException(
                    "oversized", "The record has " + value.length + " bytes, at most " + MAX_VALUE_BYTES + " are read");
        }
        requireUtf8(value);
        CsvLine.Fault fault = line.split(value);
        if (fault != CsvLine.Fault.NONE) {
            throw new UndecodableException("malformed", sentence(fault));
        }
        int expected = schema.columns().size();
        if (line.count() != expected) {
            throw new UndecodableException("fields", fieldsSentence(expected));
        }
    }

    private void requireUtf8(byte[] value) throws UndecodableException {
        for (byte b : value) {
            if (b < 0) {
                try {
                    utf8.decode(ByteBuffer.wrap(value));
                    return;
                } catch (CharacterCodingException e) {
                    throw new UndecodableException("encoding", "The record is not UTF-8 text");
                }
            }
        }
    }

    private String sentence(CsvLine.Fault fault) {
        String place = line.count() < schema.columns().size()
                ? "column '" + schema.columns().get(line.count()) + "'"
                : "field " + (line.count() + 1) + ", which has no column,";
        return switch (fault) {
            case UNCLOSED_QUOTES -> "The quotes of " + place + " are never closed";
            case TEXT_AFTER_QUOTES -> "There is text after the closing quotes of " + place;
            default -> "There is a line break in " + place + " outside quotes";
        };
    }

    private String fieldsSentence(int expected) {
        String counts = "The record has " + line.count() + " fields, the schema has " + expected + " columns: ";
        return line.count() < expected
                ? counts + "column '" + schema.columns().get(line.count()) + "' and what follows are missing"
                : counts + "there are fields after column '" + schema.columns().get(expected - 1) + "'";
    }

    private String model() throws UndecodableException {
        if (key < 0) {
            return defaultModel;
        }
        int length = line.end(key) - line.start(key);
        if (length == 0) {
            throw new UndecodableException("key", "Column '" + schema.key() + "', which names the model, is empty");
        }
        if (length > MAX_MODEL_BYTES) {
            throw new UndecodableException(
                    "key",
                    "Column '" + schema.key() + "', which names the model, has " + length + " bytes, at most "
                            + MAX_MODEL_BYTES + " are allowed");
        }
        return line.text(key);
    }

    private long time() throws UndecodableException {
        byte[] bytes = line.bytes(time);
        int from = firstVisible(time);
        int to = lastVisible(time, from);
        long parsed = RecordTime.parse(bytes, from, to);
        if (parsed == RecordTime.MALFORMED) {
            throw new UndecodableException(
                    "time",
                    from == to
                            ? "Column '" + schema.time() + "', the time, is empty"
                            : "Column '" + schema.time() + "' is not a time: " + quote(time));
        }
        return parsed;
    }

    private int[] categories() throws UndecodableException {
        int[] buckets = new int[categorical.length];
        int length = 0;
        for (int i = 0; i < categorical.length; i++) {
            byte[] bytes = line.bytes(categorical[i]);
            int from = line.start(categorical[i]);
            int to = line.end(categorical[i]);
            if (separators[i] == null) {
                buckets[length++] = from == to ? -1 : bucket(i, bytes, from, to);
                continue;
            }
            int counter = length++;
            while (from < to) {
                int end = indexOf(separators[i], bytes, from, to);
                if (end > from) {
                    if (length - counter > MAX_CATEGORIES) {
                        throw new UndecodableException(
                                "category",
                                "Column '" + schema.columns().get(categorical[i]) + "' holds more than "
                                        + MAX_CATEGORIES + " values");
                    }
                    // room for what is still to come, too
                    if (length + categorical.length - i > buckets.length) {
                        buckets = Arrays.copyOf(buckets, 2 * (length + categorical.length - i));
                    }
                    buckets[length++] = bucket(i, bytes, from, end);
                }
                from = end + separators[i].length;
            }
            buckets[counter] = length - counter - 1;
        }
        return Arrays.copyOf(buckets, length);
    }

    private int bucket(int i, byte[] bytes, int from, int to) {
        return CategoryHash.bucket(
                categoryPrefixes[i],
                bytes,
                from,
                to,
                schema.categorical().get(i).buckets());
    }

    /** Where the text begins, or {@code to}. */
    private static int indexOf(byte[] text, byte[] bytes, int from, int to) {
        for (int start = from; start + text.length <= to; start++) {
            if (Arrays.equals(bytes, start, start + text.length, text, 0, text.length)) {
                return start;
            }
        }
        return to;
    }

    private double number(String reason, int field) throws UndecodableException {
        int from = firstVisible(field);
        int to = lastVisible(field, from);
        if (from == to) {
            return Double.NaN;
        }
        double number = DecimalNumber.parse(line.bytes(field), from, to);
        if (Math.abs(number) <= Float.MAX_VALUE) {
            return number;
        }
        throw new UndecodableException(
                reason,
                "Column '" + schema.columns().get(field) + "' "
                        + (Double.isNaN(number) ? "is not a number: " : "is beyond the range of single precision: ")
                        + quote(field));
    }

    private double binaryLabel() throws UndecodableException {
        byte[] bytes = line.bytes(label);
        int from = firstVisible(label);
        int to = lastVisible(label, from);
        if (from == to) {
            return Double.NaN;
        }
        double number = DecimalNumber.parse(bytes, from, to);
        if (number == 1 || isWord("true", bytes, from, to)) {
            return 1;
        }
        if (number == 0 || isWord("false", bytes, from, to)) {
            return 0;
        }
        throw new UndecodableException(
                "label", "Column '" + schema.label() + "' must be 0, 1, false or true, was " + quote(label));
    }

    /** Whether the text is this lower-case word in any case. */
    private static boolean isWord(String word, byte[] bytes, int from, int to) {
        if (to - from != word.length()) {
            return false;
        }
        for (int i = 0; i < word.length(); i++) {
            if ((bytes[from + i] | 0x20) != word.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private int firstVisible(int field) {
        byte[] bytes = line.bytes(field);
        int from = line.start(field);
        while (from < line.end(field) && isBlank(bytes[from])) {
            from++;
        }
        return from;
    }

    private int lastVisible(int field, int from) {
        byte[] bytes = line.bytes(field);
        int to = line.end(field);
        while (to > from && isBlank(bytes[to - 1])) {
            to--;
        }
        return to;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }

    private String quote(int field) {
        String text = line.text(field).replaceAll("\\p{Cntrl}", "?");
        return "'"
                + (text.length() <= MAX_QUOTED_CHARACTERS ? text : text.substring(0, MAX_QUOTED_CHARACTERS) + "...")
                + "'";
    }
}
