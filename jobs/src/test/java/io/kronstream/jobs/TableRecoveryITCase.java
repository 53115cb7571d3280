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
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
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

/** Processes die while a job is in the middle of a table: it goes on from its checkpoint, and each row counts once. */
class TableRecoveryITCase {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final int ROWS = 60_000;
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

        Left undisturbed = run(table, false, 0);
        Left disturbed = run(table, true, 2);

        assertThat(undisturbed.scores()).hasSize(ROWS);
        assertThat(disturbed).isEqualTo(undisturbed);
    }

    @Test
    void aTableOfATopicGoesOnWhereItsCheckpointWas() throws Exception {
        send("table", rows);
        String table = table("'connector' = 'kafka', 'topic' = 'table', 'format' = 'csv', 'scan.startup.mode' ="
                + " 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'properties.bootstrap.servers' = '"
                + broker.bootstrap() + "'");

        Left undisturbed = run(table, false, 0);
        Left disturbed = run(table, false, 2);

        assertThat(undisturbed.scores()).hasSize(ROWS);
        assertThat(disturbed).isEqualTo(undisturbed);
    }

    /** What a run has left: the digest of the model, how far it was trained, and every score. */
    private record Left(String digest, Map<Integer, Long> trainedThrough, List<String> scores) {}

    /**
     * Learns the whole table.
     *
     * @param takeover whether the JobManager dies, too
     * @param kills how often the TaskManager dies
     */
    private static Left run(String table, boolean takeover, int kills) throws Exception {
        JobSettings settings = settings(table);
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            JobTopics.prepare(admin, settings);
        }
        RunningJob job = RunningJob.submit(cluster.restAddress(), settings, null, List.of());
        for (int kill = 0; kill < kills; kill++) {
            int restored = kill;
            await(() -> goesOn(job, restored) && newest(settings) != null);
            int last = cluster.taskManagersStarted() - 1;
            cluster.killTaskManager(last);
            cluster.launchTaskManager();
            assertThat(newest(settings).examples()).as("killed in the middle").isBetween(1L, ROWS - 1L);
        }
        if (takeover) {
            await(() -> goesOn(job, kills));
            cluster.killJobManager();
            cluster.launchJobManager();
            await(() -> restoredByAnother(job));
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
    private static boolean goesOn(RunningJob job, int restored) {
        try {
            FlinkRest.Checkpoints checkpoints = rest.checkpoints(job.id());
            return checkpoints.restored() == restored
                    && checkpoints.completed() > 2L * (restored + 1)
                    && rest.allRunning(job.id());
        } catch (IOException e) {
            return false;
        }
    }

    /** A JobManager counts for itself. */
    private static boolean restoredByAnother(RunningJob job) {
        try {
            return rest.checkpoints(job.id()).restored() == 1;
        } catch (IOException e) {
            return false;
        }
    }

    private static JobSettings settings(String table) {
        jobs++;
        Map<String, String> values = new HashMap<>();
        values.put("source.sql", table);
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
        return JobSettings.of("test", values, SEA);
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
        Properties client = KafkaSettings.of(broker.bootstrap()).client(Map.of(), Map.of());
        try (Admin admin = Admin.create(client)) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
        }
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            values.forEach(value ->
                    sent.add(producer.send(new ProducerRecord<>(topic, value.getBytes(StandardCharsets.UTF_8)))));
            for (Future<RecordMetadata> one : sent) {
                one.get();
            }
        }
    }
}
