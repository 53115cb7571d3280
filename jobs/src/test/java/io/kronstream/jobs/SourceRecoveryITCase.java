// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.embedded.BrokerProcess;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.ProcessFlinkCluster;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.TrainCounters;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes die while a job is in the middle of a table, or of topics that came while it ran: it goes on from its checkpoint,
 * and each row counts once.
 */
class SourceRecoveryITCase {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    /** The last mini-batch is not full, so that the end of the stream publishes a version. */
    private static final int ROWS = 120_010;

    private static final DataSchema SEA =
            BuiltInStreams.byName("sea").orElseThrow().schema();

    private static Path dir;
    private static BrokerProcess broker;
    private static ProcessFlinkCluster cluster;
    private static FlinkRest rest;
    private static List<String> rows;
    private static int jobs;

    @BeforeAll
    static void start(@TempDir Path temporary) throws Exception {
        dir = temporary;
        rows = Rows.of("sea", ROWS);
        broker = BrokerProcess.start(dir.resolve("broker"), dir.resolve("data"));
        cluster = ProcessFlinkCluster.startHighlyAvailable(dir.resolve("flink"), 1, 1);
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
    void aTableOfFilesGoesOnWhereItsCheckpointWas() throws Exception {
        Path data = Files.createDirectory(dir.resolve("files"));
        Files.write(data.resolve("sea.csv"), rows);
        String table = table("'connector' = 'filesystem', 'format' = 'csv', 'path' = '" + data.toUri() + "'");

        Left undisturbed = run(table, 0, false);
        Left disturbed = run(table, 2, true);

        assertThat(undisturbed.scores()).hasSize(ROWS);
        assertThat(disturbed).isEqualTo(undisturbed);
    }

    @Test
    void aTableOfATopicGoesOnWhereItsCheckpointWas() throws Exception {
        send("table", rows);
        String table = table("'connector' = 'kafka', 'topic' = 'table', 'format' = 'csv', 'scan.startup.mode' ="
                + " 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'properties.bootstrap.servers' = '"
                + broker.bootstrap() + "'");

        Left undisturbed = run(table, 0, false);
        Left disturbed = run(table, 2, false);

        assertThat(undisturbed.scores()).hasSize(ROWS);
        assertThat(disturbed).isEqualTo(undisturbed);
    }

    /** The job does not know the topic that it was not submitted with but from its register. */
    @Test
    void aTopicThatCameLaterGoesOnWhereItsCheckpointWas() throws Exception {
        DataSchema keyed = BuiltInStreams.byName("sea-keys").orElseThrow().schema();
        List<String> first = new ArrayList<>();
        List<String> later = new ArrayList<>();
        for (String row : Rows.of("sea-keys", 4000)) {
            int shop = row.split(",")[keyed.columns().indexOf(keyed.key())].hashCode();
            ((shop & 1) == 0 ? first : later).add(row);
        }
        send("came-b", first);
        Map<String, String> values = values();
        values.put("examples.topic-pattern", "came-.*");
        values.put("kafka.properties.partition.discovery.interval.ms", "500");
        JobSettings settings = JobSettings.of("test", values, keyed);
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            settings = JobSources.resolve(admin, settings);
            JobTopics.prepare(admin, settings);
        }
        RunningJob job = RunningJob.submit(cluster.restAddress(), settings, null, List.of());
        awaitExamples(job, first.size());
        send("came-a", later.subList(0, 1000));
        awaitExamples(job, first.size() + 1000);
        long completed = rest.checkpoints(job.id()).completed();
        await(() -> rest.checkpoints(job.id()).completed() > completed + 1);

        cluster.killTaskManager(cluster.taskManagersStarted() - 1);
        cluster.launchTaskManager();
        cluster.killJobManager();
        cluster.launchJobManager();
        sendMore("came-a", later.subList(1000, later.size()));
        awaitExamples(job, 4000);
        job.stop(settings.checkpoints().directory(), true);

        assertThat(settings.origins().names()).containsExactly("came-b");
        SortedMap<String, ModelManifest> versions;
        try (ModelReader reader =
                new ModelReader(settings.kafka(), settings.topics().models(), true)) {
            versions = reader.newest();
        }
        assertThat(versions.values().stream().mapToLong(ModelManifest::examples).sum())
                .isEqualTo(4000);
        assertThat(versions.values())
                .flatExtracting(version -> version.trainedThrough().keySet())
                .containsOnly(0, 1 << 16);
        SortedMap<String, String> digests = new TreeMap<>();
        versions.forEach((model, version) -> digests.put(model, version.modelDigest()));
        JobSettings recorded =
                JobRecord.read(settings.kafka(), settings.topics()).orElseThrow();
        assertThat(new Oracle(recorded).digests(versions.values())).isEqualTo(digests);
    }

    private static void awaitExamples(RunningJob job, long examples) throws Exception {
        await(() -> {
            try {
                String count = rest.accumulators(job.id()).getOrDefault(TrainCounters.EXAMPLES, "0");
                return Long.parseLong(count) == examples && rest.allRunning(job.id());
            } catch (IOException e) {
                return false; // there is no JobManager to ask
            }
        });
    }

    /** What a run has left: the digest of the model, how far it was trained, and every score. */
    private record Left(String digest, Map<Integer, Long> trainedThrough, List<String> scores) {}

    /**
     * Learns the whole table.
     *
     * @param kills how often the TaskManager dies
     * @param takeover whether the JobManager dies with it the last time
     */
    private static Left run(String table, int kills, boolean takeover) throws Exception {
        JobSettings settings = settings(table);
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            JobTopics.prepare(admin, settings);
        }
        RunningJob job = RunningJob.submit(cluster.restAddress(), settings, null, List.of());
        long completed = 0;
        for (int kill = 0; kill < kills; kill++) {
            int restored = kill;
            long before = completed;
            await(() -> goesOn(job, restored, before) && newest(settings) != null);
            completed = rest.checkpoints(job.id()).completed();
            cluster.killTaskManager(cluster.taskManagersStarted() - 1);
            if (takeover && kill == kills - 1) {
                cluster.killJobManager();
                cluster.launchJobManager();
            }
            cluster.launchTaskManager();
            assertThat(newest(settings).examples()).as("killed in the middle").isBetween(1L, ROWS - 1L);
        }
        assertThat(job.awaitEnd(PATIENCE)).isTrue();
        ModelManifest version = newest(settings);
        assertThat(version.finished()).isTrue();
        return new Left(
                version.modelDigest(),
                version.trainedThrough(),
                TopicRecords.of(settings, settings.topics().scores()).stream()
                        .map(score -> new String(score.value(), StandardCharsets.UTF_8))
                        .toList());
    }

    /** Whether it was restored so often, and checkpoints complete again. */
    private static boolean goesOn(RunningJob job, int restored, long before) throws Exception {
        assertThat(job.awaitEnd(Duration.ZERO)).as("it has ended already").isFalse();
        FlinkRest.Checkpoints checkpoints = rest.checkpoints(job.id());
        return checkpoints.restored() >= restored && checkpoints.completed() > before + 1 && rest.allRunning(job.id());
    }

    private static JobSettings settings(String table) {
        Map<String, String> values = values();
        values.put("source.sql", table);
        return JobSettings.of("test", values, SEA);
    }

    /** Options of a job with topics of its own. */
    private static Map<String, String> values() {
        jobs++;
        Map<String, String> values = new HashMap<>();
        values.put("kafka.bootstrap", broker.bootstrap());
        values.put("kafka.prefix", "job" + jobs);
        values.put("kafka.delivery", "exactly_once");
        values.put("model.hidden", "[16, 8]");
        values.put("model.publish-every", "10");
        values.put("refresh.interval", "5");
        values.put("refresh.mode", "remote");
        values.put("checkpoint.interval", "200 ms");
        values.put("checkpoint.timeout", "1 min");
        values.put("job.restart.attempts", "100");
        values.put(
                "checkpoint.directory",
                dir.resolve("checkpoints" + jobs).toUri().toString());
        return values;
    }

    /** A table of the stream's columns. */
    private static String table(String connector) {
        String columns = String.join(
                ", ",
                SEA.columns().stream()
                        .map(column -> "`" + column + "` " + (column.equals(SEA.time()) ? "BIGINT" : "DOUBLE"))
                        .toList());
        return "CREATE TABLE sea (" + columns + ") WITH (" + connector + ")";
    }

    private static ModelManifest newest(JobSettings settings) {
        try (ModelReader reader =
                new ModelReader(settings.kafka(), settings.topics().models(), settings.committedOnly())) {
            return reader.newest().get("main");
        }
    }

    private static void send(String topic, List<String> values) throws Exception {
        try (Admin admin = Admin.create(KafkaSettings.of(broker.bootstrap()).client(Map.of(), Map.of()))) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
        }
        sendMore(topic, values);
    }

    private static void sendMore(String topic, List<String> values) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                KafkaSettings.of(broker.bootstrap()).client(Map.of(), Map.of()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            values.forEach(value ->
                    sent.add(producer.send(new ProducerRecord<>(topic, value.getBytes(StandardCharsets.UTF_8)))));
            for (Future<RecordMetadata> one : sent) {
                one.get();
            }
        }
    }
}
