// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.connectors.model.ServedVersion;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.observer.Evaluation;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.observer.Predictor;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Score;
import io.kronstream.learner.Task;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job that learns classes, from its records to what is predicted with its models. */
class ClassificationITCase {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DataSchema SCHEMA = DataSchema.builder(
                    List.of("length", "width", "species"), Task.CLASSIFICATION, "species")
            .classes(List.of("setosa", "versicolor", "virginica"))
            .numeric(List.of("length", "width"))
            .build();

    @Test
    void learnsClassesAndSetsUnknownOnesAside(@TempDir Path dir) throws Exception {
        List<String> rows = rows(1500);
        rows.add(700, "5.0,2.0,rose");
        rows.add(900, "5.0,2.0,3");
        try (JobBed bed = new JobBed(dir, 2)) {
            JobSettings settings = bed.settings(
                    SCHEMA,
                    Map.of(
                            "optimizer.name",
                            "soap",
                            "optimizer.learning-rate",
                            "0.03",
                            "refresh.interval",
                            "5",
                            "refresh.lag",
                            "5"));
            Run run = bed.run(settings, rows);

            assertThat(new Oracle(settings).digests(run.versions().values())).isEqualTo(run.digests());
            List<ConsumerRecord<byte[], byte[]>> letters =
                    TopicRecords.of(settings, settings.topics().deadLetters());
            assertThat(letters)
                    .extracting(letter -> new String(letter.value(), StandardCharsets.UTF_8))
                    .containsExactly("5.0,2.0,rose", "5.0,2.0,3");
            assertThat(new String(letters.get(0).headers().lastHeader("message").value(), StandardCharsets.UTF_8))
                    .isEqualTo("Column 'species' must be one of 3 classes, was 'rose'");

            Evaluation evaluation = new Evaluation(Task.CLASSIFICATION);
            for (ConsumerRecord<byte[], byte[]> record :
                    TopicRecords.of(settings, settings.topics().scores())) {
                evaluation.add("main", score(JSON.readTree(record.value())));
            }
            assertThat(evaluation.examples()).isEqualTo(1500);
            assertThat(evaluation.lastQuarter(Predictor.MODEL, Metric.ACCURACY)).isGreaterThan(0.9);
            assertThat(evaluation.lastQuarter(Predictor.PRIOR, Metric.ACCURACY)).isLessThan(0.5);
            assertThat(evaluation.lastQuarter(Predictor.MODEL, Metric.LOG_LOSS))
                    .isLessThan(evaluation.lastQuarter(Predictor.PRIOR, Metric.LOG_LOSS) / 2);

            try (ModelReader reader =
                            new ModelReader(settings.kafka(), settings.topics().models(), settings.committedOnly());
                    ServedVersion version =
                            new ServedVersion(reader.newest(settings.model()).orElseThrow())) {
                Map<String, String> petal = Map.of("length", "1.4", "width", "0.2");
                assertThat(version.predict(petal)).isZero();
                assertThat(version.probabilities(petal)).containsOnlyKeys(SCHEMA.classes());
                assertThat(version.probabilities(petal).get("setosa")).isGreaterThan(0.9);
            }
        }
    }

    private static Score score(JsonNode node) {
        return new Score(
                node.path("partition").asInt(),
                node.path("offset").asLong(),
                node.path("row").asInt(),
                node.path("timestamp").asLong(),
                node.path("step").asLong(),
                node.path("prediction").asDouble(),
                node.path("label").asDouble(),
                node.path("noChange").asDouble(),
                node.path("prior").asDouble(),
                1,
                new Score.Answers(
                        node.path("answer").asInt(),
                        node.path("noChangeAnswer").asInt(),
                        node.path("priorAnswer").asInt()));
    }

    /** Petals, about as long and as wide as those of the three species. */
    private static List<String> rows(int count) {
        double[][] species = {{1.46, 0.25}, {4.26, 1.33}, {5.55, 2.03}};
        Random random = new Random(3);
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int k = random.nextInt(3);
            rows.add(String.format(
                    Locale.ROOT,
                    "%.3f,%.3f,%s",
                    species[k][0] + 0.35 * random.nextGaussian(),
                    species[k][1] + 0.2 * random.nextGaussian(),
                    SCHEMA.classes().get(k)));
        }
        return rows;
    }
}
