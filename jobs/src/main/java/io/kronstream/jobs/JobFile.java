// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kronstream.connectors.format.RowFormat;
import io.kronstream.learner.DataSchema;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;

/**
 * The YAML form of {@link JobSettings}: the options of {@link JobOptions} with their nouns nested, the records'
 * {@code columns} in order, and a {@code schema} as in {@link SchemaFile} or the path of its file.
 *
 * <pre>{@code
 * kafka: {bootstrap: "localhost:9092", prefix: electricity}
 * columns: [period, nswprice, nswdemand, vicprice, vicdemand, transfer, price_up]
 * schema: elec2.schema.yaml
 * optimizer: {name: dykaf, learning-rate: 0.003}
 * checkpoint: {interval: 10 s, directory: "file:///var/kronstream"}
 * }</pre>
 */
public final class JobFile {
    private static final String COLUMNS = "columns";
    private static final String SCHEMA = "schema";
    private static final Pattern PLAIN = Pattern.compile("-?\\d+(\\.\\d+)?([eE]-?\\d+)?|true|false");

    private JobFile() {}

    /**
     * The job in a file.
     *
     * @param overrides values by option key that count more than the file's
     * @throws InvalidSettingsException with everything that is wrong
     */
    public static JobSettings read(Path file, Map<String, String> overrides) {
        return of(file.toString(), file, YamlFile.read(file), overrides);
    }

    /** The job in a text that {@link #write} gave. */
    public static JobSettings parse(String source, String text) {
        return of(source, null, YamlFile.parse(source, text), Map.of());
    }

    /** The text that {@link #parse} reads back to equal settings. */
    public static String write(JobSettings settings) {
        ObjectNode mapping = YamlFile.mapping();
        settings.values().forEach((key, value) -> put(mapping, key, value));
        DataSchema schema = settings.learner().schema();
        var columns = mapping.putArray(COLUMNS);
        schema.columns().forEach(columns::add);
        mapping.set(SCHEMA, SchemaFile.write(schema));
        return YamlFile.text(mapping);
    }

    private static JobSettings of(String source, Path file, ObjectNode mapping, Map<String, String> overrides) {
        List<String> problems = new ArrayList<>();
        DataSchema schema = null;
        try {
            schema = schema(source, file, mapping);
        } catch (InvalidSettingsException e) {
            problems.addAll(e.problems());
        }
        mapping.remove(List.of(COLUMNS, SCHEMA));
        Map<String, String> values = new TreeMap<>();
        flatten("", mapping, values);
        values.putAll(overrides);
        values.computeIfPresent(JobOptions.AVRO_SCHEMA.key(), (key, value) -> avroSchema(source, file, value));
        if (file != null) {
            values.computeIfPresent(JobOptions.SOURCE_FILE.key(), (key, value) -> beside(file, key, value));
        }
        if (schema == null) {
            // Whatever else is wrong is reported together with the schema's problems.
            try {
                JobSettings.of(source, values, PLACEHOLDER);
            } catch (InvalidSettingsException e) {
                problems.addAll(e.problems());
            }
            throw new InvalidSettingsException(source, problems);
        }
        return JobSettings.of(source, values, schema);
    }

    /** A flawless schema, to find problems that have nothing to do with one. */
    private static final DataSchema PLACEHOLDER = DataSchema.builder(
                    List.of("x", "y"), io.kronstream.learner.Task.REGRESSION, "y")
            .numeric(List.of("x"))
            .build();

    private static DataSchema schema(String source, Path file, ObjectNode mapping) {
        List<String> columns = new ArrayList<>();
        JsonNode names = mapping.get(COLUMNS);
        if (names == null || !names.isArray() || names.isEmpty()) {
            throw new InvalidSettingsException(
                    source, List.of("'columns' is missing: it lists the columns of the records in order"));
        }
        names.forEach(name -> columns.add(name.asText()));
        JsonNode schema = mapping.get(SCHEMA);
        if (schema instanceof ObjectNode inline) {
            return SchemaFile.parse(source, inline, columns);
        }
        if (schema != null && schema.isTextual()) {
            Path named = file == null ? Path.of(schema.asText()) : file.resolveSibling(schema.asText());
            return SchemaFile.read(named, columns);
        }
        throw new InvalidSettingsException(
                source, List.of("'schema' is missing: it says what the columns mean, or names the file that does"));
    }

    /** The schema itself, where its file is named: the job may run where that file is not. */
    private static String avroSchema(String source, Path file, String named) {
        if (named.strip().startsWith("{") || named.strip().startsWith("[")) {
            return named;
        }
        Path path = file == null ? Path.of(named) : file.resolveSibling(named);
        try (InputStream in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(RowFormat.MAX_VALUE_BYTES + 1);
            if (bytes.length > RowFormat.MAX_VALUE_BYTES) {
                throw new InvalidSettingsException(
                        path.toString(), List.of("is longer than " + RowFormat.MAX_VALUE_BYTES + " bytes"));
            }
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new InvalidSettingsException(
                    source,
                    List.of("'" + JobOptions.AVRO_SCHEMA.key() + "' names the file " + path
                            + ", which cannot be read"));
        }
    }

    /** Relative paths of files to read are relative to the job's file. */
    private static String beside(Path file, String key, String value) {
        List<String> names = Configuration.fromMap(Map.of(key, value)).get(JobOptions.SOURCE_FILE);
        return JobSettings.text(
                JobOptions.SOURCE_FILE,
                names.stream()
                        .map(name -> name.contains(":/")
                                ? name
                                : file.toAbsolutePath()
                                        .resolveSibling(name)
                                        .normalize()
                                        .toString())
                        .toList());
    }

    private static void flatten(String prefix, ObjectNode mapping, Map<String, String> values) {
        mapping.properties().forEach(entry -> {
            String key = prefix + entry.getKey();
            JsonNode node = entry.getValue();
            if (node instanceof ObjectNode nested) {
                flatten(key + ".", nested, values);
            } else if (node.isArray()) {
                List<String> elements = new ArrayList<>();
                node.forEach(element -> elements.add(text(element)));
                values.put(key, elements.toString());
            } else if (!node.isNull()) {
                values.put(key, node.asText());
            }
        });
    }

    /** A single value, or a mapping of one name, such as {@code dense: 128}. */
    private static String text(JsonNode element) {
        return element instanceof ObjectNode one
                ? one.properties().stream()
                        .map(entry -> entry.getKey() + ": " + entry.getValue().asText())
                        .collect(Collectors.joining(" "))
                : element.asText();
    }

    private static void put(ObjectNode mapping, String key, String value) {
        String properties = JobOptions.KAFKA_PROPERTIES.key() + ".";
        String[] nouns = key.startsWith(properties)
                ? new String[] {"kafka", "properties", key.substring(properties.length())}
                : key.split("\\.");
        ObjectNode node = mapping;
        for (int i = 0; i < nouns.length - 1; i++) {
            node = node.withObjectProperty(nouns[i]);
        }
        String last = nouns[nouns.length - 1];
        if (key.equals(JobOptions.LAYERS.key())) {
            node.set(last, YamlFile.parse(key, "v: " + value).get("v"));
        } else if (PLAIN.matcher(value).matches()) {
            node.set(last, YamlFile.parse(key, "v: " + value).get("v"));
        } else {
            node.put(last, value);
        }
    }
}
