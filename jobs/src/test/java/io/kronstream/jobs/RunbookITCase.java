// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.embedded.BrokerProcess;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.TrainCounters;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What docs/how-to/runbook.md says happens when Kafka does not do what it should,
 * on a broker that is a process of its own.
 */
class RunbookITCase {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final DataSchema SEA =
            BuiltInStreams.byName("sea").orElseThrow().schema();

    /** How long the broker is away: {@code -Dkronstream.broker.down.seconds=60} for as long as the page says. */
    private static final long DOWN_SECONDS = Long.getLong("kronstream.broker.down.seconds", 5);

    private static Path dir;
    private static BrokerProcess broker;
    private static MiniFlinkCluster cluster;
    private static FlinkRest rest;
    private static int jobs;

    @BeforeAll
    static void start(@TempDir Path temporary) throws Exception {
        dir = temporary;
        broker = BrokerProcess.start(dir.resolve("broker"), dir.resolve("data"));
        cluster = MiniFlinkCluster.start(4, 0);
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
    void aBrokerThatIsAwayForAWhileCostsNothing() throws Exception {
        JobSettings settings = settings(Map.of());
        RunningJob job = submit(settings);
        send(settings, Rows.of("sea", 0, 2000));
        awaitExamples(job, 500);
        broker.kill();
        LockSupport.parkNanos(Duration.ofSeconds(DOWN_SECONDS).toNanos());
        broker.launch();
        awaitBroker();
        send(settings, Rows.of("sea", 2000, 4000));
        awaitExamples(job, 4000);
        job.stop(dir.resolve("savepoints").toUri().toString(), true);

        ModelManifest version = newest(settings);
        assertThat(version.examples()).isEqualTo(4000);
        assertThat(new Oracle(settings).digests(List.of(version))).containsEntry("main", version.modelDigest());
    }

    /** In one TaskManager the sinks of the second cannot start; the first goes on. */
    @Test
    void ofTwoJobsOfOnePrefixTheSecondFails() throws Exception {
        JobSettings settings = settings(
                Map.of("kafka.delivery", "exactly_once", "checkpoint.timeout", "1 min", "job.restart.attempts", "0"));
        RunningJob first = submit(settings);
        send(settings, Rows.of("sea", 0, 1000));
        awaitExamples(first, 1000);
        RunningJob second = submit(settings);
        await(() -> rest.jobState(second.id()).equals("FAILED"));

        assertThat(rest.lastFailure(second.id()).orElseThrow()).contains("Writable backchannel already exists");
        assertThat(rest.jobState(first.id())).isEqualTo("RUNNING");
        first.cancel();
    }

    /** At the next look for new partitions. */
    @Test
    void withoutItsExamplesTopicAJobFails() throws Exception {
        JobSettings settings = settings(Map.of(
                "kafka.properties.partition.discovery.interval.ms",
                "500",
                "job.restart.attempts",
                "1",
                "job.restart.delay",
                "1 s"));
        RunningJob job = submit(settings);
        send(settings, Rows.of("sea", 0, 1000));
        awaitExamples(job, 1000);
        delete(settings.topics().examples());
        await(() -> rest.jobState(job.id()).equals("FAILED"));

        assertThat(rest.lastFailure(job.id()).orElseThrow()).contains("UnknownTopicOrPartitionException");
    }

    @Test
    void aTransactionThatTheBrokerWouldEndTooEarlyIsRefusedAtTheStart() {
        JobSettings settings = settings(Map.of("kafka.delivery", "exactly_once", "checkpoint.timeout", "30 d"));

        assertThatThrownBy(() -> submit(settings))
                .isInstanceOf(ConnectorException.class)
                .hasMessageStartingWith(
                        "Transactions of this job may stay open for 2592010500 ms, but the broker ends them"
                                + " after ")
                .hasMessageEndingWith("shorten 'checkpoint.timeout', or raise the broker's transaction.max.timeout.ms");
    }

    private static JobSettings settings(Map<String, String> options) {
        jobs++;
        Map<String, String> values = new HashMap<>();
        values.put("job.name", "job" + jobs);
        values.put("kafka.bootstrap", broker.bootstrap());
        values.put("kafka.prefix", "job" + jobs);
        values.put("model.hidden", "[8]");
        values.put("model.publish-every", "10");
        values.put("checkpoint.interval", "500 ms");
        values.put(
                "checkpoint.directory",
                dir.resolve("checkpoints" + jobs).toUri().toString());
        values.putAll(options);
        return JobSettings.of("test", values, SEA);
    }

    private static RunningJob submit(JobSettings settings) throws Exception {
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            JobTopics.prepare(admin, settings);
        }
        return RunningJob.submit(cluster.restAddress(), settings, null, List.of());
    }

    private static void send(JobSettings settings, List<String> rows) {
        JobBed.send(settings, rows);
    }

    private static void delete(String topic) throws Exception {
        try (Admin admin = Admin.create(KafkaSettings.of(broker.bootstrap()).client(Map.of(), Map.of()))) {
            admin.deleteTopics(List.of(topic)).all().get();
        }
    }

    private static ModelManifest newest(JobSettings settings) {
        try (ModelReader reader =
                new ModelReader(settings.kafka(), settings.topics().models(), settings.committedOnly())) {
            return reader.newest().get("main");
        }
    }

    private static void awaitExamples(RunningJob job, long examples) throws Exception {
        await(() -> Long.parseLong(rest.accumulators(job.id()).getOrDefault(TrainCounters.EXAMPLES, "0")) >= examples);
    }

    private static void awaitBroker() {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try (TopicAdmin admin = TopicAdmin.connect(KafkaSettings.of(broker.bootstrap()))) {
                admin.maxTransactionTimeout();
                return;
            } catch (RuntimeException e) {
                assertThat(System.nanoTime()).as("still within the deadline").isLessThan(deadline);
            }
        }
    }
}
