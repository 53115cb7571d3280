// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.Calendar;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Task;
import io.kronstream.optimizers.Knob;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.MemorySize;
import org.junit.jupiter.api.Test;

/** Keeps the table of what a savepoint fixes what the code says. */
class StatePageTest {
    private static final ReferencePage PAGE = new ReferencePage("docs/reference/state.md");
    private static final String MARKER = "<!-- what may change: written by StatePageTest -->\n";
    private static final Map<String, String> BASE = Map.of("kafka.bootstrap", "localhost:9092");

    private static final Map<String, String> ARRIVAL = Map.of("kafka.bootstrap", "localhost:9092", "mode", "arrival");

    private static final String FREE = "free";
    private static final String FIXED = "fixed";
    private static final String OPTIMIZER = "fixed; with `--weights-only` free";

    /** Options that Flink or the topics tie to the state, not the learner. */
    private static final Map<String, String> TIED = Map.of(
            "job.max-parallelism", "fixed by Flink: it says how keys are spread",
            "kafka.prefix", "fixed: the positions are those of its topics",
            "examples.topics", "new topics at the end",
            "source.file", "new files at the end",
            "model.name", "names another model, which starts anew",
            "state.backend", "free from a savepoint; fixed from a checkpoint",
            "optimizer", "see below",
            "embedding.method", "fixed where the schema has embeddings");

    /** Values to try where none can be derived from the default. */
    private static final Map<String, String> OTHERS = Map.ofEntries(
            entry("kafka.bootstrap", "localhost:9093"),
            entry("examples.topic-pattern", "clicks-.*"),
            entry("source.sql", "CREATE TABLE t (x DOUBLE, y DOUBLE)"),
            entry("model.layers", "[dense: 9, relu]"),
            entry("model.loss", "poisson"),
            entry("model.files.directory", "file:///models"),
            entry("optimizer.name", "adam"),
            entry("kafka.properties", "kafka.properties.client.id=c"),
            entry("refresh.interval", "7"),
            entry("refresh.method", "eigendecomposition"),
            entry("refresh.lag", "0"));

    @Test
    void theTableSaysWhatTheCodeDoes() throws IOException {
        PAGE.says(MARKER, table());
    }

    /** Whoever adds a setting decides whether the state depends on it. */
    @Test
    void everySettingOfALearnerAndItsSchemaIsFixedOrFree() {
        List<String> fixed = List.of(
                "columns",
                "task",
                "label",
                "weight",
                "classes",
                "numeric",
                "categorical",
                "products",
                "periodic",
                "time",
                "calendar",
                "key",
                "forecast",
                "labelLags",
                "schema",
                "network",
                "optimizer",
                "batch",
                "lag",
                "mode");
        List<String> free = List.of("metric", "batchInterval", "seed", "refresh");

        assertThat(Stream.of(DataSchema.class, LearnerSettings.class)
                        .flatMap(type -> Stream.of(type.getRecordComponents()))
                        .map(RecordComponent::getName))
                .containsExactlyInAnyOrderElementsOf(
                        Stream.concat(fixed.stream(), free.stream()).toList());
    }

    @Test
    void aKnobIsNamedAsTheOptionThatSetsIt() {
        for (String name : Optimizers.names()) {
            LearnerSettings settings = LearnerSettings.defaults(schema(), OptimizerSettings.defaults(name));
            for (Knob<?> knob : Optimizers.knobs(name)) {
                String key = JobOptions.keyOf(knob.name());
                assertThat(knob.isStructural() || !settings.structure().containsKey(key))
                        .as("%s is not in the structure", key)
                        .isTrue();
                assertThat(settings.free().contains(key)).isEqualTo(!knob.isStructural());
            }
        }
    }

    private static String table() {
        StringBuilder table = new StringBuilder("| option | on restore |\n|---|---|\n");
        for (ConfigOption<?> option : JobOptions.ALL) {
            table.append("| `")
                    .append(option.key())
                    .append("` | ")
                    .append(fate(option))
                    .append(" |\n");
        }
        structure(BASE).keySet().stream()
                .filter(key -> key.startsWith("schema."))
                .forEach(key -> table.append("| `")
                        .append(key)
                        .append("` | ")
                        .append(FIXED)
                        .append(" |\n"));
        table.append("| `schema.classes` | ").append(FIXED).append(" |\n");
        table.append("| `schema.metric` | ").append(FREE).append(" |\n");
        String structural = Optimizers.names().stream()
                .flatMap(name -> Optimizers.knobs(name).stream()
                        .filter(Knob::isStructural)
                        .map(knob -> "`" + name + "`: `" + JobOptions.keyOf(knob.name()) + "`"))
                .collect(Collectors.joining(", "));
        table.append("\nOf the optimizers' knobs these are fixed (with `--weights-only` free), all others are free: ")
                .append(structural)
                .append(".\n");
        return table.toString();
    }

    private static String fate(ConfigOption<?> option) {
        String tied = TIED.get(option.key());
        if (tied != null) {
            return tied;
        }
        if (option.key().startsWith("examples.")) { // how records are written; what they mean is the schema's
            return FREE;
        }
        String other = OTHERS.getOrDefault(option.key(), other(option));
        int equals = other.indexOf('=');
        String key = equals < 0 ? option.key() : other.substring(0, equals);
        List<String> changed;
        try {
            changed = changed(BASE, key, other.substring(equals + 1));
        } catch (InvalidSettingsException e) { // an option of the other mode
            changed = changed(ARRIVAL, key, other.substring(equals + 1));
        }
        if (changed.isEmpty()) {
            return FREE;
        }
        boolean ofOptimizer =
                changed.stream().allMatch(name -> name.startsWith("optimizer.") || name.startsWith("refresh."));
        String fate = ofOptimizer ? OPTIMIZER : FIXED;
        return option.key().equals("refresh.lag") ? "free, but from 0 or to 0 " + fate : fate;
    }

    private static List<String> changed(Map<String, String> base, String key, String value) {
        Map<String, String> values = new TreeMap<>(base);
        values.put(key, value);
        return differing(structure(base), structure(values));
    }

    private static SortedMap<String, String> structure(Map<String, String> values) {
        return JobSettings.of("test", values, schema()).learner().structure();
    }

    private static List<String> differing(SortedMap<String, String> before, SortedMap<String, String> after) {
        List<String> keys = new ArrayList<>();
        Stream.concat(before.keySet().stream(), after.keySet().stream())
                .distinct()
                .filter(key -> !before.getOrDefault(key, "").equals(after.getOrDefault(key, "")))
                .forEach(keys::add);
        return keys;
    }

    /** Another value than the default. */
    private static String other(ConfigOption<?> option) {
        Object value = option.defaultValue();
        if (value instanceof Integer number) {
            return Integer.toString(number + 1);
        }
        if (value instanceof Long number) {
            return Long.toString(number + 1);
        }
        if (value instanceof Double number) {
            return Double.toString(number / 2);
        }
        if (value instanceof Boolean flag) {
            return Boolean.toString(!flag);
        }
        if (value instanceof Duration duration) {
            return duration.plusSeconds(1).toMillis() + " ms";
        }
        if (value instanceof MemorySize size) {
            return 2 * size.getBytes() + " b";
        }
        if (value instanceof List<?>) {
            return "[7]";
        }
        if (value instanceof Enum<?> constant) {
            Object[] constants = constant.getDeclaringClass().getEnumConstants();
            return constants[(constant.ordinal() + 1) % constants.length]
                    .toString()
                    .toLowerCase(Locale.ROOT);
        }
        return "other";
    }

    private static DataSchema schema() {
        return DataSchema.builder(List.of("x", "y"), Task.REGRESSION, "y")
                .numeric(List.of("x"))
                .calendar(List.of(Calendar.HOUR)) // in the structure only where it is not the default
                .build();
    }
}
