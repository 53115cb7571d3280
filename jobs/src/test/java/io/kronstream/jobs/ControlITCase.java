// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static io.kronstream.jobs.TopicRecords.header;
import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.connectors.example.CommandDecoder;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.ControlState;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.TrainCounters;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands from Kafka to the manifest, on a broker and a cluster, and through a restart. */
class ControlITCase {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final DataSchema SEA =
            BuiltInStreams.byName("sea").orElseThrow().schema();

    private static Path dir;
    private static JobBed bed;

    @BeforeAll
    static void start(@TempDir Path temporary) throws Exception {
        dir = temporary;
        bed = new JobBed(dir, 4);
    }

    @AfterAll
    static void stop() {
        bed.close();
    }

    @Test
    void commandsAreCarriedOutOnceAndReplayedByARestartAndByTheOracle() throws Exception {
        ModelManifest through = run("ordered", false);
        ModelManifest restarted = run("ordered", true);

        assertThat(restarted.modelDigest()).isEqualTo(through.modelDigest());
        assertThat(restarted.control()).isEqualTo(through.control());
        assertThat(restarted.step()).isEqualTo(through.step());
        assertThat(through.examples()).isBetween(3600L - 32, 3600L + 32); // the pause covers 400
    }

    @Test
    void inArrivalModeTheJournalsTellOfCommandsToo() throws Exception {
        run("arrival", true);
    }

    /** A stream with commands; returns the last version, which the oracle has verified. */
    private static ModelManifest run(String mode, boolean restart) throws Exception {
        JobSettings settings = bed.settings(
                SEA, Map.of("mode", mode, "kafka.delivery", "exactly_once", "checkpoint.timeout", "1 min"));
        Run run = bed.startEndless(settings, StartFrom.NOTHING);
        List<String> rows = Rows.of("sea", 4000);
        tell(settings, "{\"command\": \"pause\"}"); // to nobody yet
        awaitCount(run, TrainCounters.REFUSED_COMMANDS, 1);
        JobBed.send(settings, rows.subList(0, 1000));
        tell(settings, set("rate", 65, "0.1"));
        tell(settings, set("rate", 2, "0.9")); // a repetition
        tell(settings, set("late", 3, "0.9"));
        tell(settings, "{\"command\": \"set\", \"nane\": \"optimizer.learning-rate\"}");
        JobBed.send(settings, rows.subList(1000, 2000));
        awaitExamples(run, 2000);
        if (restart) { // while a command waits for its step
            String savepoint = run.stop(dir.resolve("savepoints"));
            run = bed.startEndless(settings, new StartFrom(savepoint, false));
        }
        JobBed.send(settings, rows.subList(2000, 3200));
        tell(settings, "{\"command\": \"pause\", \"id\": \"p\"}");
        JobBed.send(settings, rows.subList(3200, 3600));
        tell(settings, "{\"command\": \"resume\", \"id\": \"r\"}");
        JobBed.send(settings, rows.subList(3600, 4000));
        tell(settings, "{\"command\": \"publish\", \"id\": \"now\"}");
        awaitExamples(run, 4000);
        run.finish(dir.resolve("savepoints"));

        ModelManifest version = run.versions().get("main");
        assertThat(version.control().values()).isEqualTo(Map.of("optimizer.learning-rate", "0.1"));
        assertThat(version.control().applied())
                .extracting(ControlState.Applied::id)
                .containsExactly("rate", "p", "r", "now");
        assertThat(version.control().applied().get(0).step()).isEqualTo(65);
        assertThat(new Oracle(settings).digests(List.of(version))).containsEntry("main", version.modelDigest());
        List<ConsumerRecord<byte[], byte[]>> letters = TopicRecords.deadLetters(settings);
        assertThat(letters).extracting(letter -> header(letter, "reason")).containsOnly("control");
        assertThat(letters)
                .extracting(letter -> header(letter, "message"))
                .anyMatch(message -> message.endsWith("changed nothing: model 'main' has not seen an example yet"))
                .anyMatch(message -> message.startsWith("The command 'set optimizer.learning-rate to 0.9' at step 3"
                        + " (id late) changed nothing: model 'main' has taken "))
                .contains("A command has no field 'nane'; it has model, command, at-step, name, value and id")
                .hasSize(3);
        return version;
    }

    @Test
    void aRetiredModelHasNoVersions() throws Exception {
        JobSettings settings = bed.settings(SEA, Map.of());
        Run run = bed.startEndless(settings, StartFrom.NOTHING);
        JobBed.send(settings, Rows.of("sea", 1000));
        awaitExamples(run, 1000);
        tell(settings, "{\"command\": \"retire\"}");
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!run.versions().isEmpty()) {
            assertThat(System.nanoTime()).as("withdrawn in time").isLessThan(deadline);
            LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
        }
        run.finish(dir.resolve("savepoints"));

        assertThat(run.versions()).isEmpty();
    }

    private static String set(String id, long step, String value) {
        return "{\"command\": \"set\", \"name\": \"optimizer.learning-rate\", \"id\": \"" + id + "\", \"at-step\": "
                + step + ", \"value\": " + value + "}";
    }

    private static void tell(JobSettings settings, String command) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                bed.kafka().client(Map.of(), Map.of()), new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(
                            settings.topics().examples(),
                            null,
                            settings.model().getBytes(StandardCharsets.UTF_8),
                            command.getBytes(StandardCharsets.UTF_8),
                            List.of(new RecordHeader(CommandDecoder.HEADER, new byte[0]))))
                    .get();
        }
    }

    private static void awaitExamples(Run run, long examples) throws Exception {
        awaitCount(run, TrainCounters.EXAMPLES, examples);
    }

    private static void awaitCount(Run run, String counter, long count) throws Exception {
        await(() -> run.counterNow(counter) >= count);
    }
}
