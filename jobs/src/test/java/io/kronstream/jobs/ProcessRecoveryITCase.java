// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.ProcessFlinkCluster;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.linalg.Numerics;
import io.kronstream.operators.TrainCounters;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** What only several processes show: TRAIN and EIGEN-REFRESH on different machines, which need not be alike. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ProcessRecoveryITCase {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final DataSchema SEA =
            BuiltInStreams.byName("sea").orElseThrow().schema();
    private static final DataSchema SHOPS =
            BuiltInStreams.byName("sea-keys").orElseThrow().schema();

    private static Path dir;
    private static EmbeddedBroker broker;
    private static ProcessFlinkCluster cluster;
    private static FlinkRest rest;
    private static int jobs;

    @BeforeAll
    static void start(@TempDir Path temporary) throws Exception {
        dir = temporary;
        broker = EmbeddedBroker.start(dir.resolve("kafka"), 0);
        cluster = ProcessFlinkCluster.startHighlyAvailable(dir.resolve("flink"), 2, 1);
        rest = new FlinkRest(cluster.restAddress());
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            cluster.close();
        }
        if (broker != null) {
            broker.close();
        }
    }

    @Test
    @Order(1)
    void aJobGoesOnAtAnotherParallelism() throws Exception {
        JobSettings two = settings(SHOPS, Map.of("job.parallelism", "2"));
        prepare(two);

        send(two, rows("sea-keys", 0, 1500));
        String first = suspend(submit(two, StartFrom.NOTHING), two, 1500);
        send(two, rows("sea-keys", 1500, 3000));
        JobSettings one = parallelism(two, 1);
        String second = suspend(submit(one, new StartFrom(first, false)), one, 3000);
        send(two, rows("sea-keys", 3000, 4500));
        finish(submit(two, new StartFrom(second, false)), two, 4500);

        SortedMap<String, ModelManifest> versions = versions(two);
        assertThat(versions).hasSize(8);
        assertThat(versions.values().stream().mapToLong(ModelManifest::examples).sum())
                .isEqualTo(4500);
        assertThat(versions.values()).allMatch(ModelManifest::finished);
        assertThat(new Oracle(two).digests(versions.values())).isEqualTo(digests(versions));
    }

    /** Factors of 2000 x 2000 take 16 MB, a record at most one. */
    @Test
    @Order(2)
    void factorsThatAreTooLargeForARecordTravelInPieces() throws Exception {
        JobSettings wide = settings(
                SEA,
                Map.of(
                        "job.parallelism", "2",
                        "model.hidden", "[2000]",
                        "batch.size", "64",
                        "refresh.interval", "2",
                        "refresh.lag", "2",
                        "refresh.deadline", "10 min",
                        "model.publish-every", "5"));
        prepare(wide);

        send(wide, rows("sea", 0, 384));
        RunningJob job = submit(wide, StartFrom.NOTHING);
        finish(job, wide, 384);

        SortedMap<String, ModelManifest> versions = versions(wide);
        assertThat(versions.get("main").step()).isEqualTo(6);
        Map<String, String> counters = rest.accumulators(job.id());
        assertThat(counter(counters, TrainCounters.REFRESHES_REMOTE)).isPositive();
        assertThat(counter(counters, TrainCounters.REFRESHES_LATE)).isZero();
        try (TopicAdmin admin = TopicAdmin.connect(wide.kafka())) {
            assertThat(sum(admin.endOffsets(wide.topics().channel())))
                    .as("pieces that went from one process to the other")
                    .isGreaterThan(32);
        }
        assertThat(new Oracle(wide).digests(versions.values())).isEqualTo(digests(versions));
    }

    /** A machine of another kind computes other bits: nothing that it answers may enter a model of this kind. */
    @Test
    @Order(3)
    void answersOfAMachineOfAnotherKindAreNotUsed() throws Exception {
        cluster.killTaskManager(1);
        cluster.startTaskManager(Map.of("OPENBLAS_CORETYPE", "Sandybridge"));
        JobSettings mixed =
                settings(SHOPS, Map.of("job.parallelism", "2", "refresh.deadline", "100 ms", "refresh.interval", "10"));
        prepare(mixed);

        send(mixed, rows("sea-keys", 0, 3000));
        RunningJob job = submit(mixed, StartFrom.NOTHING);
        finish(job, mixed, 3000);

        SortedMap<String, ModelManifest> versions = versions(mixed);
        SortedMap<String, ModelManifest> alike = new TreeMap<>(versions);
        alike.values().removeIf(version -> !version.fingerprint().equals(Numerics.fingerprint()));
        assertThat(alike.size()).as("models learned on each kind").isBetween(1, 7);
        assertThat(new Oracle(mixed).digests(alike.values())).isEqualTo(digests(alike));
        Map<String, String> counters = rest.accumulators(job.id());
        assertThat(counter(counters, TrainCounters.REFRESHES_DISCARDED)).isPositive();
        assertThat(counter(counters, TrainCounters.REFRESHES_LATE)).isPositive();
    }

    private static JobSettings settings(DataSchema schema, Map<String, String> options) {
        jobs++;
        Map<String, String> values = new HashMap<>();
        values.put("kafka.bootstrap", broker.bootstrap());
        values.put("kafka.prefix", "job" + jobs);
        values.put("model.hidden", "[16, 8]");
        values.put("model.publish-every", "10");
        values.put("refresh.interval", "5");
        values.put("refresh.mode", "remote");
        values.put("checkpoint.interval", "500 ms");
        values.put(
                "checkpoint.directory",
                dir.resolve("checkpoints" + jobs).toUri().toString());
        values.putAll(options);
        return JobSettings.of("test", values, schema);
    }

    private static JobSettings parallelism(JobSettings settings, int parallelism) {
        Map<String, String> values = new HashMap<>(settings.values());
        values.put("job.parallelism", Integer.toString(parallelism));
        return JobSettings.of("test", values, settings.learner().schema());
    }

    private static void prepare(JobSettings settings) {
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            JobTopics.prepare(admin, settings);
        }
    }

    private static List<byte[]> rows(String stream, int from, int to) {
        Iterator<String> rows = BuiltInStreams.byName(stream).orElseThrow().rows(1);
        return IntStream.range(0, to)
                .mapToObj(i -> rows.next())
                .skip(from)
                .map(row -> row.getBytes(StandardCharsets.UTF_8))
                .toList();
    }

    private static void send(JobSettings settings, List<byte[]> rows) {
        try (FileReplay replay = new FileReplay(
                settings.kafka(),
                settings.topics().examples(),
                settings.learner().schema(),
                settings.model())) {
            replay.replay(rows.iterator());
        }
    }

    private static RunningJob submit(JobSettings settings, StartFrom from) throws Exception {
        return RunningJob.submit(cluster.restAddress(), settings, from, null, List.of());
    }

    private static String suspend(RunningJob job, JobSettings settings, long sent) throws Exception {
        awaitTrained(job, settings, sent);
        String savepoint = job.stop(settings.checkpoints().directory(), false);
        assertThat(job.awaitEnd(PATIENCE)).isTrue();
        return savepoint;
    }

    private static void finish(RunningJob job, JobSettings settings, long sent) throws Exception {
        awaitTrained(job, settings, sent);
        job.stop(settings.checkpoints().directory(), true);
        assertThat(job.awaitEnd(PATIENCE)).isTrue();
    }

    /** Waits until the job's checkpoints have come to the end of the stream. */
    private static void awaitTrained(RunningJob job, JobSettings settings, long sent) throws Exception {
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (sum(admin.trainedOffsets(settings.topics())) < sent || !running(job)) {
                assertThat(job.awaitEnd(Duration.ZERO)).as("the job has ended").isFalse();
                assertThat(System.nanoTime()).as("still within the deadline").isLessThan(deadline);
                LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
            }
        }
    }

    private static boolean running(RunningJob job) {
        try {
            return rest.allRunning(job.id());
        } catch (IOException e) {
            return false;
        }
    }

    private static long sum(SortedMap<Integer, Long> offsets) {
        return offsets.values().stream().mapToLong(Long::longValue).sum();
    }

    private static SortedMap<String, ModelManifest> versions(JobSettings settings) {
        try (ModelReader reader =
                new ModelReader(settings.kafka(), settings.topics().models(), settings.committedOnly())) {
            return reader.newest();
        }
    }

    private static SortedMap<String, String> digests(SortedMap<String, ModelManifest> versions) {
        SortedMap<String, String> digests = new TreeMap<>();
        versions.forEach((model, version) -> digests.put(model, version.modelDigest()));
        return digests;
    }

    private static long counter(Map<String, String> counters, String name) {
        return Long.parseLong(counters.getOrDefault(name, "0"));
    }
}
