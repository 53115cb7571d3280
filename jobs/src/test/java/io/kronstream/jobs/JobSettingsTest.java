// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.Position;
import io.kronstream.connectors.Topics;
import io.kronstream.connectors.format.FormatSettings;
import io.kronstream.fisher.RefreshMethod;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Mode;
import io.kronstream.learner.NetworkSettings;
import io.kronstream.learner.Objective;
import io.kronstream.learner.RefreshPolicy;
import io.kronstream.learner.Task;
import io.kronstream.network.Activation;
import io.kronstream.network.LayerSpec;
import io.kronstream.operators.RefreshMode;
import io.kronstream.operators.TrainSettings;
import io.kronstream.optimizers.Knob;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import io.kronstream.optimizers.RowMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.configuration.ConfigOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobSettingsTest {
    private static final DataSchema SCHEMA = DataSchema.builder(List.of("x", "y"), Task.REGRESSION, "y")
            .numeric(List.of("x"))
            .build();

    @Test
    void everyDefaultIsPinned() {
        JobSettings settings = JobSettings.of("test", Map.of("kafka.bootstrap", "broker:9092"), SCHEMA);

        assertThat(settings)
                .isEqualTo(new JobSettings(
                        "kronstream",
                        new KafkaSettings("broker:9092", Map.of()),
                        new Topics("kronstream"),
                        new JobSettings.Input(
                                FormatSettings.of(FormatSettings.Name.CSV), JobSettings.Source.DEFAULT, 1, 1000),
                        "main",
                        new LearnerSettings(
                                SCHEMA,
                                List.of(128, 64),
                                Activation.RELU,
                                OptimizerSettings.defaults("dykaf"),
                                32,
                                0,
                                10,
                                1),
                        100,
                        new JobSettings.ModelFiles(64 << 20, null),
                        TrainSettings.Clock.NONE,
                        new JobSettings.Refresh(RefreshMode.AUTO, 30_000, 64 << 20, 0, 1, null),
                        256 << 20,
                        Backend.ROCKSDB,
                        3_600_000,
                        1,
                        128,
                        new JobSettings.Checkpoints(10_000, 600_000, null),
                        Delivery.AT_LEAST_ONCE,
                        new JobSettings.Restarts(10, 1000)));
        assertThat(settings.transactionTimeout()).isEqualTo(Duration.ofSeconds(10 + 600 + 10));
    }

    @Test
    void everyKeyCanBeSetToSomethingElse() {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("job.name", "mine");
        values.put("mode", "arrival");
        values.put("model.publish-interval", "15 s");
        values.put("batch.max-wait", "250 ms");
        values.put("refresh.tolerance", "0.125");
        values.put("refresh.stagger", "true");
        values.put("job.parallelism", "3");
        values.put("job.max-parallelism", "64");
        values.put("job.restart.attempts", "2");
        values.put("job.restart.delay", "3 s");
        values.put("kafka.bootstrap", "a:1,b:2");
        values.put("kafka.prefix", "grid");
        values.put("kafka.properties.security.protocol", "SSL");
        values.put("kafka.delivery", "exactly_once");
        values.put("examples.format", "avro");
        values.put("examples.registry", "http://registry:1");
        values.put("examples.registry-timeout", "2 s");
        values.put("examples.start", "committed");
        values.put("examples.topics", "[clicks, views]");
        values.put("examples.topic-pattern", "shop-.*");
        values.put("examples.end", "timestamp 2026-01-31T00:00:00Z");
        values.put("examples.max-rejected-share", "0.25");
        values.put("examples.rejected-window", "50");
        values.put("model.name", "one");
        values.put("model.hidden", "[8, 4, 2]");
        values.put("model.activation", "tanh");
        values.put("model.loss", "quantile");
        values.put("model.quantile", "0.25");
        values.put("embedding.method", "adam");
        values.put("embedding.learning-rate", "0.2");
        values.put("vector.learning-rate", "0.3");
        values.put("model.seed", "9");
        values.put("model.publish-every", "7");
        values.put("model.files.above", "3 mb");
        values.put("model.files.directory", "file:///m");
        values.put("batch.size", "16");
        values.put("batch.interval", "2 s");
        values.put("optimizer.name", "soap");
        values.put("optimizer.learning-rate", "0.25");
        values.put("refresh.mode", "inline");
        values.put("refresh.interval", "5");
        values.put("refresh.method", "eigendecomposition");
        values.put("refresh.lag", "2");
        values.put("refresh.deadline", "4 s");
        values.put("refresh.parked", "1 mb");
        values.put("refresh.delay.max", "6 s");
        values.put("refresh.delay.seed", "11");
        values.put("refresh.delay.model", "slow");
        values.put("state.cache", "2 mb");
        values.put("state.backend", "hashmap");
        values.put("metrics.window", "1 d");
        values.put("checkpoint.interval", "8 s");
        values.put("checkpoint.timeout", "12 s");
        values.put("checkpoint.directory", "file:///c");

        JobSettings settings = JobSettings.of("test", values, SCHEMA);

        assertThat(settings)
                .isEqualTo(new JobSettings(
                        "mine",
                        new KafkaSettings("a:1,b:2", Map.of("security.protocol", "SSL")),
                        new Topics("grid"),
                        new JobSettings.Input(
                                new FormatSettings(FormatSettings.Name.AVRO, null, "http://registry:1", 2000),
                                new JobSettings.Source(
                                        List.of("clicks", "views"),
                                        "shop-.*",
                                        Position.parse("committed"),
                                        Position.parse("timestamp 2026-01-31T00:00:00Z"),
                                        List.of(),
                                        null),
                                0.25,
                                50),
                        "one",
                        new LearnerSettings(
                                SCHEMA,
                                new NetworkSettings(
                                        LayerSpec.hidden(List.of(8, 4, 2), Activation.TANH),
                                        Objective.QUANTILE,
                                        0.25,
                                        RowMethod.ADAM,
                                        0.2,
                                        0.3),
                                OptimizerSettings.defaults("soap")
                                        .with(Knobs.LEARNING_RATE, 0.25)
                                        .with(Knobs.REFRESH_INTERVAL, 5)
                                        .with(Knobs.REFRESH_METHOD, RefreshMethod.EIGENDECOMPOSITION),
                                16,
                                2000,
                                2,
                                9,
                                Mode.ARRIVAL,
                                new RefreshPolicy(0.125, true)),
                        7,
                        new JobSettings.ModelFiles(3 << 20, "file:///m"),
                        new TrainSettings.Clock(250, 15_000),
                        new JobSettings.Refresh(RefreshMode.INLINE, 4000, 1 << 20, 6000, 11, "slow"),
                        2 << 20,
                        Backend.HASHMAP,
                        86_400_000,
                        3,
                        64,
                        new JobSettings.Checkpoints(8000, 12_000, "file:///c"),
                        Delivery.EXACTLY_ONCE,
                        new JobSettings.Restarts(2, 3000)));

        Set<String> tested = new HashSet<>(values.keySet());
        tested.add("examples.avro-schema"); // excludes the registry, see there
        tested.add("source.file"); // excludes topics, see there
        tested.add("source.sql");
        tested.remove("kafka.properties.security.protocol");
        tested.add("kafka.properties");
        tested.remove("optimizer.learning-rate");
        tested.add("optimizer");
        // Instead of model.hidden and model.activation.
        tested.add("model.layers");
        assertThat(JobOptions.ALL.stream().map(ConfigOption::key)).containsExactlyInAnyOrderElementsOf(tested);
        assertThat(JobFile.parse("again", JobFile.write(settings))).isEqualTo(settings);
    }

    @Test
    void aJobHasOneSource(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("job.yaml");
        Files.writeString(
                file,
                """
                kafka: {bootstrap: "b:1"}
                columns: [x, y]
                schema: {task: regression, label: y, numeric: [x]}
                source: {file: [data, "s3://bucket/more data.csv.gz"]}
                """);
        JobSettings job = JobFile.read(file, Map.of());

        assertThat(job.input().source().files())
                .containsExactly(dir.resolve("data").toString(), "s3://bucket/more data.csv.gz");
        assertThat(JobFile.parse("again", JobFile.write(job))).isEqualTo(job);

        assertThat(problems("examples.topics", "[a, b]", "source.sql", "CREATE TABLE t (x INT)"))
                .singleElement()
                .asString()
                .contains("exclude each other");
        assertThat(problems("source.file", "x.csv", "examples.start", "latest"))
                .singleElement()
                .asString()
                .contains("are of topics");
        assertThat(problems("examples.topics", "[a, b]", "examples.start", "offsets 0=7 c:1=2"))
                .hasSize(2)
                .allMatch(problem -> problem.contains("must be one of a, b"));
        assertThat(problems("examples.start", "never", "examples.end", "committed"))
                .hasSize(2);
        assertThat(problems(
                        "source.sql",
                        "CREATE TABLE t (x INT)",
                        "examples.format",
                        "avro",
                        "examples.registry",
                        "http://r:1"))
                .singleElement()
                .asString()
                .contains("cannot be 'avro' where a table is read");
        assertThat(problems("source.file", "a.avro", "examples.format", "avro", "examples.registry", "http://r:1"))
                .singleElement()
                .asString()
                .contains("hold their schema");
        assertThat(problems("examples.start", "timestamp yesterday"))
                .singleElement()
                .asString()
                .contains("is not a time");
        assertThat(problems("examples.topic-pattern", "("))
                .singleElement()
                .asString()
                .contains("no regular expression");
    }

    private static List<String> problems(String... keysAndValues) {
        Map<String, String> values = new TreeMap<>(Map.of("kafka.bootstrap", "b:1"));
        for (int i = 0; i < keysAndValues.length; i += 2) {
            values.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        return catchThrowableOfType(InvalidSettingsException.class, () -> JobSettings.of("test", values, SCHEMA))
                .problems();
    }

    @Test
    void orderedModeRefusesWhatGoesByTheClock() {
        InvalidSettingsException refusal = catchThrowableOfType(
                InvalidSettingsException.class,
                () -> JobSettings.of(
                        "job.yaml",
                        Map.of(
                                "kafka.bootstrap", "broker:9092",
                                "batch.max-wait", "1 s",
                                "model.publish-interval", "1 min"),
                        SCHEMA));

        assertThat(refusal.getMessage())
                .contains("'batch.max-wait' goes by the clock")
                .contains("'model.publish-interval' goes by the clock")
                .contains("set 'mode: arrival'");
    }

    @Test
    void anAvroSchemaTravelsWithTheJob(@TempDir Path directory) throws Exception {
        String avro = "{\"type\": \"record\", \"name\": \"R\", \"fields\": []}";
        Files.writeString(directory.resolve("row.avsc"), avro);
        Path file = directory.resolve("job.yaml");
        Files.writeString(
                file,
                "kafka: {bootstrap: 'a:1'}\nexamples: {format: avro, avro-schema: row.avsc}\ncolumns: [x, y]\n"
                        + "schema: {task: regression, label: y, numeric: [x]}\n");

        JobSettings settings = JobFile.read(file, Map.of());

        assertThat(settings.input().format().avroSchema()).isEqualTo(avro);
        assertThat(JobFile.parse("again", JobFile.write(settings))).isEqualTo(settings);
    }

    @Test
    void refusesFormatsThatCannotBe() {
        for (Map<String, String> wrong : List.of(
                Map.of("examples.format", "avro"),
                Map.of("examples.format", "json", "examples.registry", "http://r:1"),
                Map.of("examples.format", "avro", "examples.avro-schema", "{\"type\": 1}"),
                Map.of("examples.format", "avro", "examples.registry", "http://me:secret@r:1"))) {
            Map<String, String> values = new TreeMap<>(wrong);
            values.put("kafka.bootstrap", "a:1");
            assertThatThrownBy(() -> JobSettings.of("test", values, SCHEMA))
                    .isInstanceOf(InvalidSettingsException.class)
                    .hasMessageContaining("'examples.format': ")
                    .hasMessageNotContaining("secret");
        }
    }

    @Test
    void everyKnobOfTheDefaultOptimizerIsPinnedAndCanBeSetToSomethingElse() {
        assertThat(OptimizerSettings.defaults("dykaf").values())
                .containsExactly(
                        Map.entry("average-decay", "0.999"),
                        Map.entry("averaging", "none"),
                        Map.entry("beta1", "0.9"),
                        Map.entry("beta2", "0.999"),
                        Map.entry("bias-correction", "true"),
                        Map.entry("clip-norm", "0.0"),
                        Map.entry("clip-value", "0.0"),
                        Map.entry("coupled-decay", "0.0"),
                        Map.entry("epsilon", "1.0E-8"),
                        Map.entry("factor-beta", "0.99"),
                        Map.entry("integrator", "sequential"),
                        Map.entry("learning-rate", "0.003"),
                        Map.entry("max-side", "10000"),
                        Map.entry("normalised", "false"),
                        Map.entry("rank-one-second-moment", "false"),
                        Map.entry("refresh-interval", "10"),
                        Map.entry("refresh-method", "qr_iteration"),
                        Map.entry("relative-epsilon", "1.0E-4"),
                        Map.entry("schedule", "none"),
                        Map.entry("schedule-factor", "0.1"),
                        Map.entry("schedule-steps", "10000"),
                        Map.entry("start", "relative_epsilon"),
                        Map.entry("warm-up", "0"),
                        Map.entry("weight-decay", "0.0"));
        Map<String, String> values = new LinkedHashMap<>();
        values.put("kafka.bootstrap", "broker:9092");
        values.put("optimizer.beta1", "0.1");
        values.put("optimizer.beta2", "0.2");
        values.put("optimizer.epsilon", "0.4");
        values.put("optimizer.factor-beta", "0.3");
        values.put("optimizer.integrator", "parallel");
        values.put("optimizer.learning-rate", "0.25");
        values.put("optimizer.bias-correction", "false");
        values.put("optimizer.max-side", "500");
        values.put("optimizer.normalised", "true");
        values.put("optimizer.rank-one-second-moment", "true");
        values.put("optimizer.relative-epsilon", "0.6");
        values.put("refresh.interval", "5");
        values.put("refresh.method", "eigendecomposition");
        values.put("optimizer.start", "kron");
        values.put("optimizer.weight-decay", "0.5");

        JobSettings settings = JobSettings.of("test", values, SCHEMA);

        assertThat(settings.learner().optimizer().values())
                .contains(
                        Map.entry("beta1", "0.1"),
                        Map.entry("beta2", "0.2"),
                        Map.entry("epsilon", "0.4"),
                        Map.entry("factor-beta", "0.3"),
                        Map.entry("integrator", "parallel"),
                        Map.entry("learning-rate", "0.25"),
                        Map.entry("bias-correction", "false"),
                        Map.entry("max-side", "500"),
                        Map.entry("normalised", "true"),
                        Map.entry("rank-one-second-moment", "true"),
                        Map.entry("refresh-interval", "5"),
                        Map.entry("refresh-method", "eigendecomposition"),
                        Map.entry("relative-epsilon", "0.6"),
                        Map.entry("start", "kron"),
                        Map.entry("weight-decay", "0.5"));
        assertThat(settings.learner().lag()).isEqualTo(5);
        assertThat(JobFile.parse("again", JobFile.write(settings))).isEqualTo(settings);
    }

    @Test
    void listsAllProblemsAtOnce() {
        InvalidSettingsException e = catchThrowableOfType(
                InvalidSettingsException.class,
                () -> JobSettings.of(
                        "job.yaml",
                        Map.of(
                                "batch.sise", "8",
                                "batch.size", "many",
                                "refresh.mode", "nowhere",
                                "optimizer.learning-rate", "-1",
                                "optimizer.beta3", "0.9",
                                "optimizer.refresh-interval", "4",
                                "job.parallelism", "200",
                                "kafka.prefix", "a b",
                                "refresh.lag", "-3"),
                        SCHEMA));

        assertThat(e.lines())
                .contains("job.yaml: unknown key 'batch.sise'; did you mean 'batch.size'?")
                .contains("job.yaml: 'batch.size' cannot be 'many'; the default is 32")
                .contains("job.yaml: 'refresh.mode' cannot be 'nowhere'; it is one of auto, inline, remote")
                .contains("job.yaml: 'learning-rate' must be a number in (0, 1e6], was -1")
                .contains("job.yaml: 'dykaf' has no knob 'beta3'; it has learning-rate, beta1, beta2, factor-beta,"
                        + " epsilon, relative-epsilon, weight-decay, refresh-interval, refresh-method, max-side,"
                        + " bias-correction, normalised,"
                        + " integrator, start, rank-one-second-moment, schedule, warm-up, schedule-steps, schedule-factor, clip-norm,"
                        + " clip-value, coupled-decay, averaging, average-decay")
                .contains("job.yaml: unknown key 'optimizer.refresh-interval'; did you mean 'refresh.interval'?")
                .contains("job.yaml: 'lag' must not be negative, was -3")
                .contains("job.yaml: 'job.max-parallelism' must lie between 'job.parallelism' (200) and 32768, was 128")
                .contains("job.yaml: 'kafka.bootstrap' is missing: it names the brokers, as host:port")
                .anyMatch(line -> line.contains("'kafka.prefix'") && line.contains("'a b'"));
    }

    @Test
    void namesTheKnownOptimizers() {
        InvalidSettingsException e = catchThrowableOfType(
                InvalidSettingsException.class,
                () -> JobSettings.of("o", Map.of("kafka.bootstrap", "b:1", "optimizer.name", "sofa"), SCHEMA));

        assertThat(e.problems()).singleElement().asString().startsWith("unknown optimizer 'sofa'; known are ");
    }

    @Test
    void theFileNestsTheNounsAndMayNameTheSchemasFile(@TempDir Path dir) throws IOException {
        Files.writeString(dir.resolve("s.yaml"), "{task: regression, label: y, numeric: [x]}");
        Path file = Files.writeString(
                dir.resolve("job.yaml"),
                """
                kafka: {bootstrap: "b:1", properties: {security.protocol: SSL}}
                columns: [x, y]
                schema: s.yaml
                model: {hidden: [5], publish-every: 3}
                checkpoint: {interval: 2 s}
                """);

        JobSettings settings = JobFile.read(file, Map.of("model.publish-every", "4"));

        assertThat(settings.learner().schema()).isEqualTo(SCHEMA);
        assertThat(settings.learner().network()).isEqualTo(NetworkSettings.hidden(List.of(5), Activation.RELU));
        assertThat(settings.publishEvery()).isEqualTo(4);
        assertThat(settings.checkpoints().intervalMillis()).isEqualTo(2000);
        assertThat(settings.kafka().properties()).containsExactly(Map.entry("security.protocol", "SSL"));
    }

    @Test
    void theFileListsLayers(@TempDir Path dir) throws IOException {
        Path file = Files.writeString(
                dir.resolve("job.yaml"),
                """
                kafka: {bootstrap: "b:1"}
                columns: [x, y]
                schema: {task: regression, label: y, numeric: [x]}
                model:
                  layers:
                    - dense: 8
                    - layer-norm
                    - gelu
                    - dense: 4
                  loss: quantile
                  quantile: 0.9
                embedding: {method: adam, learning-rate: 0.01}
                vector: {learning-rate: 0.002}
                """);

        JobSettings settings = JobFile.read(file, Map.of());

        assertThat(settings.learner().network())
                .isEqualTo(new NetworkSettings(
                        List.of(
                                new LayerSpec.Dense(8),
                                new LayerSpec.Norm(),
                                new LayerSpec.Activate(Activation.GELU),
                                new LayerSpec.Dense(4)),
                        Objective.QUANTILE,
                        0.9,
                        RowMethod.ADAM,
                        0.01,
                        0.002));
        assertThat(JobFile.parse("again", JobFile.write(settings))).isEqualTo(settings);
    }

    @Test
    void networksWithProblemsAreRefused() {
        Map<String, String> values = Map.of(
                "kafka.bootstrap", "b:1",
                "model.hidden", "[3]",
                "model.layers", "[dense: 3, softplus]",
                "model.loss", "logistic",
                "model.quantile", "1",
                "embedding.learning-rate", "0");

        InvalidSettingsException e =
                catchThrowableOfType(InvalidSettingsException.class, () -> JobSettings.of("o", values, SCHEMA));

        assertThat(e.problems())
                .containsExactlyInAnyOrder(
                        "'model.layers' and 'model.hidden' exclude each other: the layers say it all",
                        "'model.layers': there is no layer 'softplus'; there are 'dense: UNITS', layer-norm, identity,"
                                + " relu, tanh, sigmoid, gelu",
                        "'model.loss' must be 'logistic' for a binary label and nothing else, was 'logistic'",
                        "'model.quantile' must lie between 0 and 1, was 1.0",
                        "'embedding.learning-rate' must be a positive number, was 0.0");
    }

    @Test
    void theFilesProblemsAndItsSchemasComeTogether(@TempDir Path dir) throws IOException {
        Path file = Files.writeString(
                dir.resolve("job.yaml"),
                """
                columns: [x, y]
                schema: {task: regression, label: z, numeric: [x]}
                batch: {size: 0}
                """);

        InvalidSettingsException e =
                catchThrowableOfType(InvalidSettingsException.class, () -> JobFile.read(file, Map.of()));

        assertThat(e.problems())
                .contains("'label' names the unknown column 'z'; the columns are x, y")
                .contains("'batch' must lie in [1, 65536], was 0")
                .contains("'kafka.bootstrap' is missing: it names the brokers, as host:port");
    }

    @Test
    void everyOptionSaysWhatItCosts() {
        for (ConfigOption<?> option : JobOptions.ALL) {
            assertThat(option.description().toString()).as(option.key()).isNotBlank();
        }
        for (String optimizer : Optimizers.names()) {
            for (Knob<?> knob : Optimizers.knobs(optimizer)) {
                assertThat(knob.description()).as(optimizer + " " + knob).endsWith(".");
            }
        }
    }
}
