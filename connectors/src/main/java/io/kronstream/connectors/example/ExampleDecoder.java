// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.format.CsvFormat;
import io.kronstream.connectors.format.DecimalNumber;
import io.kronstream.connectors.format.Row;
import io.kronstream.connectors.format.RowFormat;
import io.kronstream.connectors.format.Sentences;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.learner.Category;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Numeric;
import io.kronstream.state.ModelNames;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;

/**
 * Turns the rows of a record into examples, as a schema says. A pure function of the record: whatever the value is, it ends
 * in examples or in an {@link UndecodableException}, never in another exception. A record is taken as a whole or not at
 * all: one bad row of a mini-batch rejects it.
 *
 * <ul>
 *   <li>The model is the text of the key column, or the default model where the schema has none.
 *   <li>{@link Example#numeric()} holds the numeric columns in the schema's order, then the periodic columns in the
 *       order of their names. A missing field is NaN. A number must lie within the range of single precision.
 *   <li>A binary label is 0, 1, false or true (in any case and notation, such as {@code 1.0}); a regression label is a
 *       number; a missing one is NaN.
 *   <li>The weight is that of the weight column, a number that is not negative; 1 where it is missing or there is none.
 *   <li>A categorical value is hashed by {@link CategoryHash}; a missing one is -1. A field of several values is a list,
 *       or text that is cut at the column's separator; empty values do not count.
 *   <li>The time is that of the time column ({@link RecordTime}), or the Kafka record's timestamp where the schema has
 *       none. It may not lie more than {@link #MAX_AHEAD} after the Kafka record's timestamp, where that is known.
 * </ul>
 *
 * Spaces and tabs around numbers, labels and times do not count. Reasons of rejection: {@code empty}, {@code
 * oversized}, {@code type}, {@code key}, {@code number}, {@code label}, {@code weight}, {@code time}, {@code category}, and those of the format ({@link
 * RowFormat}). Not thread-safe.
 */
public final class ExampleDecoder implements Serializable {
    private static final long serialVersionUID = 2;

    /** Bytes of the longest model id. */
    public static final int MAX_MODEL_BYTES = 200;

    /** Most values of one categorical field. */
    public static final int MAX_CATEGORIES = 1 << 12;

    /** Milliseconds that a record's own time may lie after the Kafka record's; one that is years ahead would stop time. */
    public static final long MAX_AHEAD = 366L * 86_400_000;

    private static final long DAY = 86_400_000;

    private final RowFormat format;
    private final DataSchema schema;
    private final String defaultModel;
    private final int[] numeric;
    private final int[] categorical;
    private final long[] categoryPrefixes;
    /** What separates the values of a categorical column, in UTF-8; null for a column of one value. */
    private final byte[][] separators;

    /** The index of each class; empty unless the task is a classification. */
    private final HashMap<String, Integer> classes = new HashMap<>();

    private final int label;
    private final int weight;
    private final int time;
    private final int key;

    private transient RowFormat.Reader reader;
    private transient Row row;
    private transient int[] buckets;
    private transient int length;

    /** A decoder of comma-separated values. */
    public ExampleDecoder(DataSchema schema, String defaultModel) {
        this(new CsvFormat(), schema, defaultModel);
    }

    /**
     * @param defaultModel the model of every record, where the schema has no key column
     * @throws IllegalArgumentException if the schema has problems; the message is the first of them
     */
    public ExampleDecoder(RowFormat format, DataSchema schema, String defaultModel) {
        List<String> problems = schema.problems();
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(problems.get(0));
        }
        this.format = format;
        this.schema = schema;
        this.defaultModel = defaultModel;
        List<String> numbers =
                new ArrayList<>(schema.numeric().stream().map(Numeric::column).toList());
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
        for (String name : schema.classes()) {
            classes.put(name, classes.size());
        }
        this.label = schema.columns().indexOf(schema.label());
        this.weight = index(schema.weight());
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
        reader = format.reader(schema.columns());
        row = new Row(schema.columns().size());
        buckets = new int[16];
    }

    private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
        in.defaultReadObject();
        createScratch();
    }

    /**
     * The examples of a record, at least one; or its command, in the form of one.
     *
     * @throws UndecodableException if the record is not what the schema says
     * @throws ConnectorException if something that decoding needs does not answer
     */
    public List<Example> decode(RawRecord raw) throws UndecodableException {
        if (raw.control()) {
            return List.of(CommandDecoder.decode(raw, key < 0 ? defaultModel : null));
        }
        byte[] value = raw.value();
        if (value == null || value.length == 0) {
            throw new UndecodableException("empty", "The record has no value");
        }
        if (value.length > RowFormat.MAX_VALUE_BYTES) {
            throw new UndecodableException(
                    "oversized",
                    "The record has " + value.length + " bytes, at most " + RowFormat.MAX_VALUE_BYTES + " are read");
        }
        reader.start(value);
        reader.next(row); // a value without rows is refused by its format
        Example first = example(raw, 0);
        if (!another(2)) {
            return List.of(first);
        }
        List<Example> examples = new ArrayList<>();
        examples.add(first);
        do {
            if (examples.size() == RowFormat.MAX_ROWS) {
                throw new UndecodableException("oversized", "The record has more than " + RowFormat.MAX_ROWS + " rows");
            }
            try {
                examples.add(example(raw, examples.size()));
            } catch (UndecodableException e) {
                throw e.atRow(examples.size() + 1);
            }
        } while (another(examples.size() + 1));
        return examples;
    }

    private boolean another(int number) throws UndecodableException {
        try {
            return reader.next(row);
        } catch (UndecodableException e) {
            throw e.atRow(number);
        }
    }

    private Example example(RawRecord raw, int number) throws UndecodableException {
        String model = model();
        long timestamp = time < 0 ? raw.timestamp() : time(raw.timestamp());
        double[] numbers = new double[numeric.length];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = number("number", numeric[i]);
        }
        int[] categories = categories();
        double truth =
                switch (schema.task()) {
                    case REGRESSION -> number("label", label);
                    case BINARY -> binaryLabel();
                    case CLASSIFICATION -> classLabel();
                };
        return new Example(model, raw.source(), raw.offset(), number, timestamp, numbers, categories, truth, weight());
    }

    private double weight() throws UndecodableException {
        if (weight < 0) {
            return 1;
        }
        double number = number("weight", weight);
        if (number < 0) {
            throw new UndecodableException(
                    "weight",
                    "Column '" + schema.weight() + "', the weight, must not be negative, was "
                            + Sentences.quote(row.text(weight)));
        }
        return Double.isNaN(number) ? 1 : number;
    }

    private String model() throws UndecodableException {
        if (key < 0) {
            return defaultModel;
        }
        if (missing(key)) {
            throw new UndecodableException("key", "Column '" + schema.key() + "', which names the model, is empty");
        }
        boolean text = row.isText(key);
        String model = text ? ModelNames.of(row.bytes(key), row.start(key), row.end(key)) : row.text(key);
        int length = text ? row.end(key) - row.start(key) : model.length();
        if (length > MAX_MODEL_BYTES) {
            throw new UndecodableException(
                    "key",
                    "Column '" + schema.key() + "', which names the model, has " + length + " bytes, at most "
                            + MAX_MODEL_BYTES + " are allowed");
        }
        return model;
    }

    private long time(long sent) throws UndecodableException {
        long parsed = RecordTime.MALFORMED;
        if (!missing(time)) {
            if (row.kind(time) == Row.Kind.NUMBER) {
                parsed = RecordTime.epoch(row.number(time));
            } else {
                int from = firstVisible(time);
                parsed = RecordTime.parse(row.bytes(time), from, lastVisible(time, from));
            }
        }
        if (parsed == RecordTime.MALFORMED) {
            throw new UndecodableException(
                    "time",
                    blank(time)
                            ? "Column '" + schema.time() + "', the time, is empty"
                            : "Column '" + schema.time() + "' is not a time: " + Sentences.quote(row.text(time)));
        }
        if (sent > 0 && parsed - sent > MAX_AHEAD) {
            throw new UndecodableException(
                    "time",
                    "Column '" + schema.time() + "' lies " + (parsed - sent) / DAY
                            + " days after the time at which the record was sent: " + Sentences.quote(row.text(time)));
        }
        return parsed;
    }

    private int[] categories() throws UndecodableException {
        length = 0;
        for (int i = 0; i < categorical.length; i++) {
            if (separators[i] == null) {
                category(i);
            } else {
                severalCategories(i);
            }
        }
        return Arrays.copyOf(buckets, length);
    }

    private void category(int i) throws UndecodableException {
        int column = categorical[i];
        if (missing(column)) {
            add(-1);
        } else if (row.kind(column) == Row.Kind.NUMBER) {
            addBucket(i, row.text(column).getBytes(StandardCharsets.UTF_8));
        } else {
            addBucket(i, row.bytes(column), row.start(column), row.end(column));
        }
    }

    /** How many values there are, then the bucket of each. */
    private void severalCategories(int i) throws UndecodableException {
        int column = categorical[i];
        int counter = length;
        add(0);
        if (row.kind(column) == Row.Kind.LIST) {
            for (byte[] value : row.list(column)) {
                if (value.length > 0) {
                    addBucket(i, value);
                }
            }
        } else if (!missing(column)) {
            if (row.kind(column) == Row.Kind.NUMBER) {
                addBucket(i, row.text(column).getBytes(StandardCharsets.UTF_8));
            } else {
                byte[] bytes = row.bytes(column);
                int to = row.end(column);
                for (int from = row.start(column); from < to; ) {
                    int end = indexOf(separators[i], bytes, from, to);
                    if (end > from) {
                        addBucket(i, bytes, from, end);
                    }
                    from = end + separators[i].length;
                }
            }
        }
        int count = length - counter - 1;
        if (count > MAX_CATEGORIES) {
            throw new UndecodableException(
                    "category",
                    "Column '" + schema.columns().get(column) + "' holds more than " + MAX_CATEGORIES + " values");
        }
        buckets[counter] = count;
    }

    private void addBucket(int i, byte[] value) {
        addBucket(i, value, 0, value.length);
    }

    private void addBucket(int i, byte[] bytes, int from, int to) {
        Category category = schema.categorical().get(i);
        add(
                category.numbered()
                        ? CategoryHash.numbered(categoryPrefixes[i], bytes, from, to, category.buckets())
                        : CategoryHash.bucket(categoryPrefixes[i], bytes, from, to, category.buckets()));
    }

    private void add(int bucket) {
        if (length == buckets.length) {
            buckets = Arrays.copyOf(buckets, 2 * length);
        }
        buckets[length++] = bucket;
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

    private double number(String reason, int column) throws UndecodableException {
        double number = read(column);
        if (Math.abs(number) <= Float.MAX_VALUE || Double.isNaN(number) && blank(column)) {
            return number;
        }
        throw new UndecodableException(
                reason,
                "Column '" + schema.columns().get(column) + "' "
                        + (Double.isNaN(number) ? "is not a number: " : "is beyond the range of single precision: ")
                        + Sentences.quote(row.text(column)));
    }

    private double binaryLabel() throws UndecodableException {
        double number = read(label);
        if (number == 1 || isWord("true")) {
            return 1;
        }
        if (number == 0 || isWord("false")) {
            return 0;
        }
        if (blank(label)) {
            return Double.NaN;
        }
        throw new UndecodableException(
                "label",
                "Column '" + schema.label() + "' must be 0, 1, false or true, was " + Sentences.quote(row.text(label)));
    }

    /** The index of the class; a number may be written in any way. */
    private double classLabel() throws UndecodableException {
        if (missing(label) || blank(label)) {
            return Double.NaN;
        }
        String text = row.text(label).strip();
        Integer index = classes.get(text);
        if (index == null) {
            double number = read(label);
            index = number == Math.rint(number) && Math.abs(number) < 1e15
                    ? classes.get(Long.toString((long) number))
                    : null;
        }
        if (index == null) {
            throw new UndecodableException(
                    "label",
                    "Column '" + schema.label() + "' must be one of "
                            + schema.classes().size() + " classes, was " + Sentences.quote(row.text(label)));
        }
        return index;
    }

    /** A field as a number; NaN if it is missing, blank or no number. */
    private double read(int column) throws UndecodableException {
        if (row.isText(column)) {
            int from = firstVisible(column);
            return DecimalNumber.parse(row.bytes(column), from, lastVisible(column, from));
        }
        return missing(column) ? Double.NaN : row.number(column);
    }

    /** Whether a field has no value; one that holds several is refused. */
    private boolean missing(int column) throws UndecodableException {
        return switch (row.kind(column)) {
            case MISSING -> true;
            case TEXT, NUMBER -> false;
            default -> throw new UndecodableException(
                    "type", "Column '" + schema.columns().get(column) + "' must be one value, was " + row.text(column));
        };
    }

    private boolean blank(int column) {
        return row.kind(column) == Row.Kind.MISSING
                || row.kind(column) == Row.Kind.TEXT && firstVisible(column) == row.end(column);
    }

    /** Whether the label is this lower-case word in any case. */
    private boolean isWord(String word) {
        if (row.kind(label) != Row.Kind.TEXT) {
            return false;
        }
        byte[] bytes = row.bytes(label);
        int from = firstVisible(label);
        if (lastVisible(label, from) - from != word.length()) {
            return false;
        }
        for (int i = 0; i < word.length(); i++) {
            if ((bytes[from + i] | 0x20) != word.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private int firstVisible(int column) {
        byte[] bytes = row.bytes(column);
        int from = row.start(column);
        int end = row.end(column);
        while (from < end && isBlank(bytes[from])) {
            from++;
        }
        return from;
    }

    private int lastVisible(int column, int from) {
        byte[] bytes = row.bytes(column);
        int to = row.end(column);
        while (to > from && isBlank(bytes[to - 1])) {
            to--;
        }
        return to;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }
}
