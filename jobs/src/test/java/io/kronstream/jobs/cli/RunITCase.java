// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.JobFile;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import io.kronstream.jobs.streams.BuiltInStream;
import io.kronstream.jobs.streams.BuiltInStreams;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job from its file, submitted to a cluster, with brokers that somebody else runs. */
class RunITCase {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path dir;

    @Test
    void aSubmittedJobLearnsWhatComesAndCanBeVerified() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir.resolve("kafka"), 0);
                MiniFlinkCluster cluster = MiniFlinkCluster.start(1, 0)) {
            Path file = Files.writeString(
                    dir.resolve("job.yaml"),
                    """
                    job: {name: sea, parallelism: 1}
                    kafka: {bootstrap: "%s", prefix: sea}
                    columns: [time, x1, x2, x3, label]
                    schema: {task: binary, label: label, numeric: [x1, x2, x3], time: time}
                    model: {hidden: [16], publish-every: 10}
                    optimizer: {name: dykaf, learning-rate: 0.01}
                    checkpoint: {interval: 500 ms, directory: "%s"}
                    """
                            .formatted(
                                    broker.bootstrap(),
                                    dir.resolve("checkpoints").toUri()));

            Words run = Words.of(
                    "run",
                    file.toString(),
                    "--cluster",
                    cluster.restAddress().getAuthority(),
                    "--set",
                    "batch.size=16",
                    "--json");

            assertThat(run.err()).isEmpty();
            assertThat(run.status()).isZero();
            JsonNode answer = JSON.readTree(run.out());
            FlinkRest rest = new FlinkRest(cluster.restAddress());
            JobSettings job = JobFile.read(file, Map.of("batch.size", "16"));
            send(job, 1000);
            try (ModelReader reader = new ModelReader(job.kafka(), job.topics().models(), false)) {
                await(() -> reader.newest("main")
                        .filter(stored -> stored.manifest().step() == 60)
                        .isPresent());
            }
            assertThat(rest.jobState(answer.path("job").asText())).isEqualTo("RUNNING");

            Words verify = Words.of("verify", "--bootstrap", broker.bootstrap(), "--prefix", "sea");
            assertThat(verify.err()).isEmpty();
            assertThat(verify.out())
                    .contains("Model main, version 6: 60 steps, 960 examples")
                    .contains("Equal");
            assertThat(verify.status()).isZero();
        }
    }

    @Test
    void aPrefixThatAnotherJobWritesUnderIsRefused() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir.resolve("kafka"), 0);
                MiniFlinkCluster another = MiniFlinkCluster.start(1, 0)) {
            Path file = Files.writeString(
                    dir.resolve("job.yaml"),
                    """
                    job: {name: sea}
                    kafka: {bootstrap: "%s", prefix: sea, delivery: exactly_once}
                    columns: [time, x1, x2, x3, label]
                    schema: {task: binary, label: label, numeric: [x1, x2, x3], time: time}
                    model: {hidden: [16]}
                    checkpoint: {interval: 1 s, timeout: 1 min, directory: "%s"}
                    """
                            .formatted(
                                    broker.bootstrap(),
                                    dir.resolve("checkpoints").toUri()));
            try (MiniFlinkCluster one = MiniFlinkCluster.start(1, 0)) {
                assertThat(run(file, one).err()).isEmpty();
                Words second = whileExamplesCome(JobFile.read(file, Map.of()), () -> run(file, another));
                assertThat(second.err()).contains("Another job writes under prefix 'sea'");
                assertThat(second.status()).isEqualTo(ExitStatus.FAILED);
                assertThat(new FlinkRest(another.restAddress()).activeJobs("sea"))
                        .isEmpty();
            }

            Words alone = run(file, another); // the other's transactions are still open
            assertThat(alone.status()).as(alone.err()).isZero();
        }
    }

    /** Does the work once a job has committed something, and while it has more to commit. */
    private static Words whileExamplesCome(JobSettings job, Callable<Words> work) throws Exception {
        AtomicBoolean enough = new AtomicBoolean();
        Thread stream = new Thread(() -> {
            while (!enough.get()) {
                send(job, 256);
            }
        });
        stream.start();
        try (TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            await(() -> admin.transactions(job.topics()).stream().anyMatch(any -> any.endsWith("Ongoing")));
            return work.call();
        } finally {
            enough.set(true);
            stream.join();
        }
    }

    private static Words run(Path file, MiniFlinkCluster cluster) {
        return Words.of(
                "run", file.toString(), "--cluster", cluster.restAddress().getAuthority(), "--json");
    }

    private static void send(JobSettings job, int count) {
        BuiltInStream stream = BuiltInStreams.byName("sea").orElseThrow();
        Iterator<String> rows = stream.rows(1);
        List<String> first = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            first.add(rows.next());
        }
        try (FileReplay replay = new FileReplay(
                job.kafka(), job.topics().examples(), job.learner().schema(), job.model())) {
            replay.replay(FileReplay.bytes(first.iterator()));
        }
    }
}
