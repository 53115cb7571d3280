// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import io.kronstream.jobs.embedded.Ports;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.TrainCounters;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.metadata.storage.Formatter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Kafka cluster of two brokers, one of which leaves while a job runs. */
class LeaderChangeITCase {
    private static final String HOST = "127.0.0.1";
    private static final DataSchema SEA_KEYS =
            BuiltInStreams.byName("sea-keys").orElseThrow().schema();

    @Test
    void partitionsThatGetAnotherLeaderCostNothing(@TempDir Path dir) throws Exception {
        int controller = Ports.free(HOST);
        int port = Ports.free(HOST);
        EmbeddedBroker first = EmbeddedBroker.start(
                dir.resolve("kafka"),
                HOST,
                port,
                properties(
                        controller, "PLAINTEXT://" + HOST + ":" + port + ",CONTROLLER://" + HOST + ":" + controller));
        EmbeddedBroker second = secondBroker(dir, controller);
        try (JobBed bed = new JobBed(dir, first, MiniFlinkCluster.start(1, 0))) {
            JobSettings settings =
                    bed.settings(SEA_KEYS, Map.of("kafka.delivery", "exactly_once", "checkpoint.timeout", "1 min"));
            Run run = bed.startEndless(settings, StartFrom.NOTHING);
            assertThat(leaders(bed)).hasSize(2);
            JobBed.send(settings, Rows.of("sea-keys", 0, 4000));
            Waiting.await(() -> run.counterNow(TrainCounters.EXAMPLES) > 1000);
            second.close();
            assertThat(leaders(bed)).hasSize(1);
            JobBed.send(settings, Rows.of("sea-keys", 4000, 8000));
            Waiting.await(() -> run.counterNow(TrainCounters.EXAMPLES) == 8000);
            assertThat(run.lastFailure()).isEmpty();
            run.finish(dir.resolve("savepoints"));

            assertThat(run.versions()).hasSize(8);
            assertThat(new Oracle(settings).digests(run.versions().values())).isEqualTo(run.digests());
            assertThat(TopicRecords.of(settings, settings.topics().scores())).hasSize(8000);
        } finally {
            second.close();
        }
    }

    /** Without a controller of its own. */
    private static EmbeddedBroker secondBroker(Path dir, int controller) throws Exception {
        Path data = Files.createDirectory(dir.resolve("second"));
        new Formatter()
                .setClusterId(clusterId(dir.resolve("kafka")))
                .setNodeId(2)
                .setControllerListenerName("CONTROLLER")
                .addDirectory(data.toString())
                .setMetadataLogDirectory(data.toString())
                .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
                .run();
        int port = Ports.free(HOST);
        Map<String, String> properties = properties(controller, "PLAINTEXT://" + HOST + ":" + port);
        properties.put("node.id", "2");
        properties.put("process.roles", "broker");
        return EmbeddedBroker.start(data, HOST, port, properties);
    }

    private static Map<String, String> properties(int controller, String listeners) {
        Map<String, String> properties = new HashMap<>();
        properties.put("controller.quorum.voters", "1@" + HOST + ":" + controller);
        properties.put("listeners", listeners);
        properties.put("default.replication.factor", "2");
        properties.put("offsets.topic.replication.factor", "2");
        properties.put("transaction.state.log.replication.factor", "2");
        return properties;
    }

    private static String clusterId(Path data) throws IOException {
        Properties meta = new Properties();
        try (InputStream in = Files.newInputStream(data.resolve("meta.properties"))) {
            meta.load(in);
        }
        return meta.getProperty("cluster.id");
    }

    /** The brokers that lead any partition. */
    private static Set<Integer> leaders(JobBed bed) throws Exception {
        Set<Integer> leaders = new TreeSet<>();
        try (Admin admin = Admin.create(bed.kafka().client(Map.of(), Map.of()))) {
            admin.describeTopics(admin.listTopics().names().get())
                    .allTopicNames()
                    .get()
                    .values()
                    .forEach(topic -> topic.partitions()
                            .forEach(partition -> leaders.add(partition.leader().id())));
        }
        return leaders;
    }
}
