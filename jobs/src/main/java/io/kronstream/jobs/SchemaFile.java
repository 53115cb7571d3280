// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kronstream.learner.Calendar;
import io.kronstream.learner.Category;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Forecast;
import io.kronstream.learner.Numeric;
import io.kronstream.learner.Task;
import io.kronstream.network.Pooling;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.flink.util.TimeUtils;

/**
 * The YAML form of a {@link DataSchema}: what the columns of a CSV file mean. The columns themselves come from the
 * file's header.
 *
 * <pre>{@code
 * task: regression                     # or binary, or classification
 * label: OT
 * weight: importance                   # how much a record counts
 * classes: [low, high]                 # of a classification: the label's values, or how many there are, from 0 on
 * numeric:
 *   - HUFL                                               # an input as it is
 *   - {column: HULL, missing: -9999, fill: carry, indicator: true, transform: log1p, max: 100, lags: [1], windows: [24]}
 * categorical:
 *   - weather                          # hashed, one input for each of its hash_buckets (32)
 *   - {column: user, buckets: 16384, embedding: 16, numbered: true}        # a vector is learned for each bucket
 *   - {column: tags, buckets: 1024, embedding: 8, separator: "|", pooling: mean}
 * products: [[user, item]]             # elementwise products of two embedded columns' vectors
 * periodic: {hour: 24}                 # inputs that repeat, with their period
 * time: date                           # the record's own time
 * calendar: [hour, weekday]            # what it gives as inputs
 * key: sensor                          # one model per value
 * forecast: {lags: 96, horizon: 24, grid: 1h, seasonal: [168], windows: [24]}    # the label itself, some steps ahead
 * label_lags: [1, 48]                  # earlier labels as inputs
 * metric: rmse                         # the metric to show first
 * }</pre>
 */
public final class SchemaFile {
    private static final List<String> KEYS = List.of(
            "task",
            "label",
            "weight",
            "classes",
            "numeric",
            "categorical",
            "hash_buckets",
            "products",
            "periodic",
            "time",
            "calendar",
            "key",
            "forecast",
            "label_lags",
            "metric");
    private static final List<String> FORECAST_KEYS = List.of("lags", "horizon", "grid", "seasonal", "windows");
    private static final List<String> NUMERIC_KEYS =
            List.of("column", "missing", "fill", "indicator", "transform", "max", "lags", "windows");
    private static final List<String> CATEGORY_KEYS =
            List.of("column", "buckets", "embedding", "separator", "pooling", "numbered");
    private static final List<String> SUFFIXES = List.of(".schema.yaml", ".yaml");

    private SchemaFile() {}

    /**
     * The schema of a data file: the one named, or else the one beside it ({@code X.schema.yaml} or {@code X.yaml} for
     * {@code X.csv} and {@code X.csv.gz}), or else the ready one of that name.
     *
     * @param data the CSV file
     * @param named the schema file the user named, or null
     * @param columns the file's header
     * @throws InvalidSettingsException if there is none, or with everything that is wrong with it
     */
    public static DataSchema of(Path data, Path named, List<String> columns) {
        if (named != null) {
            return read(named, columns);
        }
        String base = baseName(data);
        for (String suffix : SUFFIXES) {
            Path beside = data.resolveSibling(base + suffix);
            if (Files.isRegularFile(beside)) {
                return read(beside, columns);
            }
        }
        String resource = "/schemas/" + base + ".yaml";
        try (InputStream in = SchemaFile.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new InvalidSettingsException(
                        data.toString(),
                        List.of("needs a schema: name one with --schema, or put " + base + ".schema.yaml beside it"));
            }
            String source = "ready schema " + base + ".yaml";
            return parse(source, YamlFile.read(source, in), columns);
        } catch (IOException e) {
            throw new InvalidSettingsException(resource, List.of("cannot be read"));
        }
    }

    /** The schema in a file, for records with these columns. */
    public static DataSchema read(Path file, List<String> columns) {
        return parse(file.toString(), YamlFile.read(file), columns);
    }

    /**
     * The schema in a mapping.
     *
     * @param source named in messages
     * @throws InvalidSettingsException with everything that is wrong with it
     */
    public static DataSchema parse(String source, ObjectNode mapping, List<String> columns) {
        List<String> problems = new ArrayList<>();
        Reader reader = new Reader(mapping, problems);
        reader.refuseUnknown("", mapping, KEYS);
        Task task = reader.task();
        DataSchema schema = new DataSchema(
                columns,
                task,
                reader.text("label"),
                reader.text("weight"),
                reader.classes(),
                reader.numbers(),
                reader.categories(),
                reader.products(),
                reader.periods(),
                reader.text("time"),
                reader.calendar(),
                reader.text("key"),
                reader.forecast(),
                reader.integers("label_lags"),
                reader.text("metric"));
        for (String problem : schema.problems()) {
            // A key that could not even be read must not be reported a second time as missing.
            if (!(task == null && mapping.has("task") && problem.startsWith("'task' is missing"))) {
                problems.add(problem);
            }
        }
        if (task != null && schema.metric() != null && !Metric.names(task).contains(schema.metric())) {
            problems.add("'metric' must be one of " + String.join(", ", Metric.names(task)) + " for a "
                    + task.name().toLowerCase(Locale.ROOT) + " task, was '" + schema.metric() + "'");
        }
        if (!problems.isEmpty()) {
            throw new InvalidSettingsException(source, problems);
        }
        return schema;
    }

    /** The mapping that {@link #parse} reads back to an equal schema. */
    public static ObjectNode write(DataSchema schema) {
        ObjectNode mapping = YamlFile.mapping();
        mapping.put("task", schema.task().name().toLowerCase(Locale.ROOT));
        mapping.put("label", schema.label());
        if (schema.weight() != null) {
            mapping.put("weight", schema.weight());
        }
        if (!schema.classes().isEmpty()) {
            ArrayNode classes = mapping.putArray("classes");
            schema.classes().forEach(classes::add);
        }
        putNumbers(mapping, schema.numeric());
        putCategories(mapping, schema.categorical());
        if (!schema.products().isEmpty()) {
            ArrayNode products = mapping.putArray("products");
            schema.products().forEach(product -> product.forEach(products.addArray()::add));
        }
        if (!schema.periodic().isEmpty()) {
            ObjectNode periods = mapping.putObject("periodic");
            schema.periodic().forEach(periods::put);
        }
        if (schema.time() != null) {
            mapping.put("time", schema.time());
        }
        if (!schema.calendar().equals(Calendar.DEFAULT)) {
            ArrayNode calendar = mapping.putArray("calendar");
            schema.calendar().forEach(part -> calendar.add(part.text()));
        }
        if (schema.key() != null) {
            mapping.put("key", schema.key());
        }
        if (schema.forecast() != null) {
            putForecast(mapping.putObject("forecast"), schema.forecast());
        }
        putIntegers(mapping, "label_lags", schema.labelLags());
        if (schema.metric() != null) {
            mapping.put("metric", schema.metric());
        }
        return mapping;
    }

    /** The file's name without {@code .csv} or {@code .csv.gz}. */
    static String baseName(Path data) {
        String name = data.getFileName().toString();
        for (String suffix : List.of(".csv.gz", ".csv", ".gz")) {
            if (name.endsWith(suffix)) {
                return name.substring(0, name.length() - suffix.length());
            }
        }
        return name;
    }

    private static void putIntegers(ObjectNode mapping, String key, List<Integer> integers) {
        if (!integers.isEmpty()) {
            ArrayNode array = mapping.putArray(key);
            integers.forEach(array::add);
        }
    }

    private static void putForecast(ObjectNode node, Forecast forecast) {
        node.put("lags", forecast.lags()).put("horizon", forecast.horizon());
        if (forecast.grid() > 0) {
            node.put("grid", forecast.grid() + "ms");
        }
        putIntegers(node, "seasonal", forecast.seasonal());
        putIntegers(node, "windows", forecast.windows());
    }

    private static void putNumbers(ObjectNode mapping, List<Numeric> numbers) {
        if (numbers.isEmpty()) {
            return;
        }
        ArrayNode array = mapping.putArray("numeric");
        for (Numeric number : numbers) {
            if (number.bare()) {
                array.add(number.column());
                continue;
            }
            ObjectNode node = array.addObject().put("column", number.column());
            if (!number.missing().isEmpty()) {
                ArrayNode sentinels = node.putArray("missing");
                number.missing().forEach(sentinels::add);
            }
            if (number.fill() == Numeric.Fill.CONSTANT) {
                node.put("fill", number.constant());
            } else {
                node.put("fill", lower(number.fill()));
            }
            if (number.indicator()) {
                node.put("indicator", true);
            }
            if (number.transform() != Numeric.Transform.NONE) {
                node.put("transform", lower(number.transform()));
            }
            if (number.max() < Double.POSITIVE_INFINITY) {
                node.put("max", number.max());
            }
            putIntegers(node, "lags", number.lags());
            putIntegers(node, "windows", number.windows());
        }
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private static void putCategories(ObjectNode mapping, List<Category> categories) {
        if (categories.isEmpty()) {
            return;
        }
        ArrayNode array = mapping.putArray("categorical");
        for (Category category : categories) {
            ObjectNode node = array.addObject().put("column", category.column()).put("buckets", category.buckets());
            if (category.embedded()) {
                node.put("embedding", category.embedding());
            }
            if (category.several()) {
                node.put("separator", category.separator());
                node.put("pooling", category.pooling().name().toLowerCase(Locale.ROOT));
            }
            if (category.numbered()) {
                node.put("numbered", true);
            }
        }
    }

    /** Turns nodes into values; what does not fit becomes a problem and a harmless value. */
    private record Reader(ObjectNode mapping, List<String> problems) {

        void refuseUnknown(String prefix, ObjectNode node, List<String> known) {
            node.fieldNames().forEachRemaining(name -> {
                if (!known.contains(name)) {
                    problems.add("unknown key '" + prefix + name + "'; the known ones are " + String.join(", ", known));
                }
            });
        }

        Task task() {
            String name = text("task");
            if (name == null) {
                return null;
            }
            return switch (name) {
                case "regression" -> Task.REGRESSION;
                case "binary" -> Task.BINARY;
                case "classification" -> Task.CLASSIFICATION;
                default -> {
                    problems.add("'task' must be 'regression', 'binary' or 'classification', was '" + name + "'");
                    yield null;
                }
            };
        }

        String text(String key) {
            JsonNode node = mapping.get(key);
            if (node == null || node.isNull()) {
                return null;
            }
            if (!node.isValueNode()) {
                problems.add("'" + key + "' must be a single value");
                return null;
            }
            return node.asText();
        }

        List<String> classes() {
            JsonNode node = mapping.get("classes");
            if (node != null && node.isNumber()) {
                int count = integer("classes", node);
                if (count > DataSchema.MAX_CLASSES) {
                    problems.add("'classes' must not exceed " + DataSchema.MAX_CLASSES + ", was " + count);
                    count = DataSchema.MAX_CLASSES;
                }
                return IntStream.range(0, count).mapToObj(Integer::toString).toList();
            }
            List<String> names = new ArrayList<>();
            list("classes", mapping).forEach(name -> names.add(name.asText()));
            return names;
        }

        List<Numeric> numbers() {
            List<Numeric> numbers = new ArrayList<>();
            for (JsonNode node : list("numeric", mapping)) {
                if (node instanceof ObjectNode entries) {
                    numbers.add(numeric(entries));
                } else if (node.isValueNode() && !node.isNull()) {
                    numbers.add(Numeric.plain(node.asText()));
                } else {
                    problems.add("'numeric' must be a list of column names, or of mappings such as {column:"
                            + " temperature, missing: -9999, fill: carry}");
                }
            }
            return numbers;
        }

        private Numeric numeric(ObjectNode entries) {
            refuseUnknown("numeric.", entries, NUMERIC_KEYS);
            if (!entries.has("column")) {
                problems.add("an entry of 'numeric' has no 'column'");
            }
            JsonNode fill = entries.path("fill");
            String transform = entries.path("transform").asText("none");
            if (!transform.equals("none") && !transform.equals("log1p")) {
                problems.add("'numeric.transform' must be 'none' or 'log1p', was '" + transform + "'");
            }
            return new Numeric(
                    entries.path("column").asText(),
                    sentinels(entries.path("missing")),
                    fill(fill),
                    fill.isNumber() ? fill.doubleValue() : 0,
                    truth("numeric.indicator", entries.path("indicator")),
                    transform.equals("log1p") ? Numeric.Transform.LOG1P : Numeric.Transform.NONE,
                    entries.has("max") ? number("numeric.max", entries.get("max")) : Double.POSITIVE_INFINITY,
                    integers("numeric.", "lags", entries),
                    integers("numeric.", "windows", entries));
        }

        private List<Double> sentinels(JsonNode node) {
            List<Double> sentinels = new ArrayList<>();
            if (node.isArray()) {
                node.forEach(value -> sentinels.add(number("numeric.missing", value)));
            } else if (!node.isMissingNode() && !node.isNull()) {
                sentinels.add(number("numeric.missing", node));
            }
            return sentinels;
        }

        private Numeric.Fill fill(JsonNode node) {
            if (node.isNumber()) {
                return Numeric.Fill.CONSTANT;
            }
            return switch (node.asText("mean")) {
                case "mean" -> Numeric.Fill.MEAN;
                case "carry" -> Numeric.Fill.CARRY;
                default -> {
                    problems.add("'numeric.fill' must be 'mean', 'carry' or a number, was '" + node.asText() + "'");
                    yield Numeric.Fill.MEAN;
                }
            };
        }

        private boolean truth(String key, JsonNode node) {
            if (!node.isMissingNode() && !node.isBoolean()) {
                problems.add("'" + key + "' must be true or false, was '" + node.asText() + "'");
            }
            return node.asBoolean();
        }

        private double number(String key, JsonNode node) {
            if (!node.isNumber()) {
                problems.add("'" + key + "' must be a number, was '" + node.asText() + "'");
            }
            return node.doubleValue();
        }

        List<Calendar> calendar() {
            if (!mapping.has("calendar")) {
                return Calendar.DEFAULT;
            }
            List<Calendar> parts = new ArrayList<>();
            for (JsonNode node : list("calendar", mapping)) {
                int part = Calendar.names().indexOf(node.asText());
                if (part < 0) {
                    problems.add("'calendar' must be a list of " + String.join(", ", Calendar.names()) + ", was '"
                            + node.asText() + "'");
                } else {
                    parts.add(Calendar.values()[part]);
                }
            }
            return parts;
        }

        List<Category> categories() {
            int shared = mapping.has("hash_buckets")
                    ? integer("hash_buckets", mapping.get("hash_buckets"))
                    : Category.DEFAULT_BUCKETS;
            List<Category> categories = new ArrayList<>();
            for (JsonNode node : list("categorical", mapping)) {
                if (node instanceof ObjectNode entries) {
                    categories.add(category(entries, shared));
                } else if (node.isValueNode() && !node.isNull()) {
                    categories.add(Category.oneHot(node.asText(), shared));
                } else {
                    problems.add("'categorical' must be a list of column names, or of mappings such as {column: user,"
                            + " buckets: 1024, embedding: 16}");
                }
            }
            return categories;
        }

        private Category category(ObjectNode entries, int shared) {
            refuseUnknown("categorical.", entries, CATEGORY_KEYS);
            if (!entries.has("column")) {
                problems.add("an entry of 'categorical' has no 'column'");
            }
            String pooling = entries.path("pooling").asText("sum");
            if (!pooling.equals("sum") && !pooling.equals("mean")) {
                problems.add("'categorical.pooling' must be 'sum' or 'mean', was '" + pooling + "'");
            }
            return new Category(
                    entries.path("column").asText(),
                    entries.has("buckets") ? integer("categorical.buckets", entries.get("buckets")) : shared,
                    entries.has("embedding") ? integer("categorical.embedding", entries.get("embedding")) : 0,
                    entries.has("separator") ? entries.get("separator").asText() : null,
                    pooling.equals("mean") ? Pooling.MEAN : Pooling.SUM,
                    truth("categorical.numbered", entries.path("numbered")));
        }

        List<List<String>> products() {
            List<List<String>> products = new ArrayList<>();
            for (JsonNode node : list("products", mapping)) {
                List<String> product = new ArrayList<>();
                node.forEach(column -> product.add(column.asText()));
                products.add(product);
            }
            return products;
        }

        List<Integer> integers(String key) {
            return integers("", key, mapping);
        }

        private List<Integer> integers(String prefix, String key, ObjectNode node) {
            List<Integer> values = new ArrayList<>();
            for (JsonNode value : list(key, node)) {
                values.add(integer(prefix + key, value));
            }
            return values;
        }

        int integer(String key, JsonNode node) {
            if (node.isIntegralNumber() && node.canConvertToInt()) {
                return node.intValue();
            }
            problems.add("'" + key + "' must be a whole number, was '" + node.asText() + "'");
            return 1;
        }

        Map<String, Double> periods() {
            Map<String, Double> periods = new TreeMap<>();
            JsonNode node = mapping.get("periodic");
            if (node instanceof ObjectNode entries) {
                entries.properties().forEach(entry -> {
                    if (entry.getValue().isNumber()) {
                        periods.put(entry.getKey(), entry.getValue().doubleValue());
                    } else {
                        problems.add("the period of '" + entry.getKey() + "' must be a number, was '"
                                + entry.getValue().asText() + "'");
                    }
                });
            } else if (node != null && !node.isNull()) {
                problems.add("'periodic' must be a mapping of columns to periods, such as {hour: 24}");
            }
            return periods;
        }

        Forecast forecast() {
            JsonNode node = mapping.get("forecast");
            if (node == null || node.isNull()) {
                return null;
            }
            if (!(node instanceof ObjectNode entries) || !entries.has("lags") || !entries.has("horizon")) {
                problems.add("'forecast' must be a mapping such as {lags: 96, horizon: 24}");
                return null;
            }
            refuseUnknown("forecast.", entries, FORECAST_KEYS);
            return new Forecast(
                    integer("forecast.lags", entries.get("lags")),
                    integer("forecast.horizon", entries.get("horizon")),
                    entries.has("grid")
                            ? duration("forecast.grid", entries.get("grid").asText())
                            : 0,
                    integers("forecast.", "seasonal", entries),
                    integers("forecast.", "windows", entries));
        }

        /** In milliseconds. */
        private long duration(String key, String text) {
            try {
                long millis = TimeUtils.parseDuration(text).toMillis();
                if (millis > 0) {
                    return millis;
                }
            } catch (IllegalArgumentException | ArithmeticException e) {
                // said below
            }
            problems.add(
                    "'" + key + "' must be a duration of at least 1 ms, such as 15min, 1h or 1d, was '" + text + "'");
            return 0;
        }

        private Iterable<JsonNode> list(String key, ObjectNode mapping) {
            JsonNode node = mapping.get(key);
            if (node == null || node.isNull()) {
                return List.of();
            }
            if (!node.isArray()) {
                problems.add("'" + key + "' must be a list, such as [a, b]");
                return List.of();
            }
            return node;
        }
    }
}
