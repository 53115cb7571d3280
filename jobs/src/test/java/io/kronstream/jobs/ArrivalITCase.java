// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.TrainCounters;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Arrival mode on a broker and a cluster: one model from four partitions, replayed from its journals. */
class ArrivalITCase {
    private static final int ROWS = 3000;

    private static JobBed bed;

    @BeforeAll
    static void start(@TempDir Path dir) throws Exception {
        bed = new JobBed(dir, 4);
    }

    @AfterAll
    static void stop() {
        bed.close();
    }

    @Test
    void oneModelFromFourPartitionsIsVerified() throws Exception {
        Run run = bed.run(settings("sea"), Rows.of("sea", ROWS));

        assertThat(run.counter(TrainCounters.EXAMPLES)).isEqualTo(ROWS);
        ModelManifest newest = run.versions().get("main");
        assertThat(newest.mode()).isEqualTo("arrival");
        assertThat(newest.trainedThrough()).containsOnlyKeys(0, 1, 2, 3);
        assertThat(newest.examples()).isEqualTo(ROWS);
        assertVerified(run, run.versions());

        try (ModelReader reader =
                new ModelReader(run.settings().kafka(), run.settings().topics().models(), true)) {
            ModelManifest older =
                    reader.version("main", newest.version() - 1).orElseThrow().manifest();
            assertThat(new Oracle(run.settings()).digests(List.of(older)))
                    .isEqualTo(Map.of("main", older.modelDigest()));
        }
    }

    @Test
    void severalModelsFromAllPartitionsAreVerified() throws Exception {
        Run run = bed.run(settings("sea-keys"), Rows.of("sea-keys", ROWS));

        assertThat(run.versions()).hasSize(8);
        assertThat(run.versions().values().stream()
                        .mapToLong(ModelManifest::examples)
                        .sum())
                .isEqualTo(ROWS);
        assertVerified(run, run.versions());
    }

    @Test
    void withoutItsJournalAVersionIsNotVerified() throws Exception {
        Run run = bed.run(settings("sea"), Rows.of("sea", ROWS));
        JobSettings elsewhere = bed.settings(run.settings().learner().schema(), Map.of("mode", "arrival"));
        try (TopicAdmin admin = TopicAdmin.connect(bed.kafka())) {
            JobTopics.prepare(admin, elsewhere);
        }

        assertThatThrownBy(() -> new Oracle(elsewhere).digests(run.versions().values()))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("does not hold the journal of version");
    }

    private static void assertVerified(Run run, SortedMap<String, ModelManifest> versions) {
        assertThat(new Oracle(run.settings()).digests(versions.values())).isEqualTo(run.digests());
    }

    private static JobSettings settings(String stream) {
        DataSchema schema = BuiltInStreams.byName(stream).orElseThrow().schema();
        return bed.settings(
                schema,
                Map.of(
                        "mode",
                        "arrival",
                        "job.parallelism",
                        "2",
                        "batch.max-wait",
                        "20 ms",
                        "model.publish-interval",
                        "300 ms",
                        "refresh.interval",
                        "5",
                        "kafka.delivery",
                        "exactly_once",
                        "checkpoint.timeout",
                        "1 min"));
    }
}
