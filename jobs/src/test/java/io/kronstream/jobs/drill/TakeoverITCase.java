// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.connectors.example.FileReplay;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.Rows;
import io.kronstream.jobs.RunningJob;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Mode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The JobManager of a job whose stream has an end dies in the middle: the one that takes over brings it there. */
class TakeoverITCase {
    private static final DataSchema SCHEMA =
            BuiltInStreams.byName("sea-keys").orElseThrow().schema();
    private static final int PARTITIONS = 2;

    @Test
    void aStreamThatEndsEndsUnderAnotherJobManager(@TempDir Path dir) throws Exception {
        List<String> rows = Rows.of("sea-keys", 4000);
        try (Site site = Site.start(dir.resolve("kafka"), dir.resolve("cluster"), 1, 1, 1, false, Duration.ZERO)) {
            JobSettings settings = settings(site, dir);
            DrillTopics.create(settings, PARTITIONS);
            Map<Integer, Long> stopAt = FileReplay.plan(
                    FileReplay.bytes(rows.iterator()), SCHEMA, settings.model(), PARTITIONS, Mode.ORDERED);
            send(settings, rows.subList(0, 2000));
            RunningJob job = RunningJob.submit(site.address(), settings, stopAt, List.of());
            await(() -> site.rest().checkpoints(job.id()).completed() > 1);

            site.crash(Victim.JOB_MANAGER);
            send(settings, rows.subList(2000, 4000));
            await(() -> state(site, job).equals("FINISHED"));

            SortedMap<String, ModelManifest> versions;
            try (ModelReader reader =
                    new ModelReader(settings.kafka(), settings.topics().models(), true)) {
                versions = reader.newest();
            }
            assertThat(versions).hasSize(8);
            assertThat(versions.values().stream()
                            .mapToLong(ModelManifest::examples)
                            .sum())
                    .isEqualTo(4000);
            assertThat(versions.values()).allMatch(ModelManifest::finished);
            SortedMap<String, String> digests = new TreeMap<>();
            versions.forEach((model, version) -> digests.put(model, version.modelDigest()));
            assertThat(new Oracle(settings).digests(versions.values())).isEqualTo(digests);
        }
    }

    private static JobSettings settings(Site site, Path dir) {
        return JobSettings.of(
                "test",
                Map.of(
                        "kafka.bootstrap", site.kafka().bootstrap(),
                        "kafka.delivery", "exactly_once",
                        "model.hidden", "[16, 8]",
                        "checkpoint.interval", "500 ms",
                        "checkpoint.timeout", "1 min",
                        "checkpoint.directory",
                                dir.resolve("checkpoints").toUri().toString(),
                        "job.restart.attempts", "100"),
                SCHEMA);
    }

    private static void send(JobSettings settings, List<String> rows) {
        try (FileReplay replay =
                new FileReplay(settings.kafka(), settings.topics().examples(), SCHEMA, settings.model())) {
            replay.replay(FileReplay.bytes(rows.iterator()));
        }
    }

    /** Nothing while there is no JobManager to ask. */
    private static String state(Site site, RunningJob job) {
        try {
            return site.rest().jobState(job.id());
        } catch (IOException e) {
            return "";
        }
    }
}
