// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.IntNode;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.JobFile;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.JobTopics;
import io.kronstream.jobs.RunningJob;
import io.kronstream.jobs.StartFrom;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import io.kronstream.jobs.streams.BuiltInStreams;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Savepoints and checkpoints from the command line: looked into, refused, gone on from. */
class SavepointCommandsITCase {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int EXAMPLES = 1000;

    @TempDir
    static Path dir;

    private static EmbeddedBroker broker;
    private static MiniFlinkCluster cluster;
    private static Path file;
    private static JobSettings job;
    private static Path checkpoint;
    private static Path savepoint;
    private static Path heapCheckpoint;

    /** Learns a little, is stopped with a savepoint, and leaves a checkpoint of before. */
    @BeforeAll
    static void leaveASavepointAndACheckpoint() throws Exception {
        broker = EmbeddedBroker.start(dir.resolve("kafka"), 0);
        cluster = MiniFlinkCluster.start(3, 0);
        file = Files.writeString(
                dir.resolve("job.yaml"),
                """
                job: {name: sea}
                kafka: {bootstrap: "%s", prefix: sea}
                columns: [time, x1, x2, x3, label]
                schema: {task: binary, label: label, numeric: [x1, x2, x3], time: time}
                model: {hidden: [16], publish-every: 10}
                batch: {size: 16}
                optimizer: {name: dykaf, learning-rate: 0.01}
                checkpoint: {interval: 300 ms, directory: "%s"}
                """
                        .formatted(
                                broker.bootstrap(), dir.resolve("checkpoints").toUri()));
        job = JobFile.read(file, Map.of());
        try (TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            JobTopics.prepare(admin, job);
        }
        RunningJob running = RunningJob.submit(cluster.restAddress(), job, null, List.of());
        send(EXAMPLES);
        awaitStep(60);
        FlinkRest rest = new FlinkRest(cluster.restAddress());
        long completed = rest.checkpoints(running.id()).completed();
        await(() -> rest.checkpoints(running.id()).completed() >= completed + 2);
        running.cancel();
        checkpoint = only(dir.resolve("checkpoints").resolve(running.id()), "chk-");

        RunningJob resumed = RunningJob.submit(
                cluster.restAddress(), job, new StartFrom(checkpoint.toString(), false), null, List.of());
        await(() -> rest.allRunning(resumed.id()));
        resumed.stop(dir.resolve("savepoints").toUri().toString(), false);
        savepoint = only(dir.resolve("savepoints"), "savepoint-");

        RunningJob onTheHeap = onTheHeap(savepoint);
        await(() -> rest.checkpoints(onTheHeap.id()).completed() >= 1);
        onTheHeap.cancel();
        heapCheckpoint = only(dir.resolve("checkpoints").resolve(onTheHeap.id()), "chk-");
    }

    private static RunningJob onTheHeap(Path from) throws Exception {
        JobSettings settings = JobFile.read(file, Map.of("state.backend", "hashmap"));
        return RunningJob.submit(
                cluster.restAddress(), settings, new StartFrom(from.toString(), false), null, List.of());
    }

    @AfterAll
    static void stop() {
        cluster.close();
        broker.close();
    }

    @Test
    void aSavepointSaysWhatItHolds() throws Exception {
        Words words = Words.of("state", "show", savepoint.toString(), "--json");

        assertThat(words.err()).isEmpty();
        assertThat(words.status()).isZero();
        JsonNode answer = JSON.readTree(words.out());
        JsonNode model = answer.path("models").path(0);
        assertThat(model.path("model").asText()).isEqualTo("main");
        assertThat(model.path("step").asLong()).isEqualTo(62);
        assertThat(model.path("examples").asLong()).isEqualTo(992);
        assertThat(model.path("version").asLong()).isEqualTo(6);
        assertThat(model.path("finished").asBoolean()).as("stopped, not ended").isFalse();
        assertThat(model.path("trainedThrough")).singleElement().isEqualTo(new IntNode(EXAMPLES - 1));
        JsonNode configuration =
                answer.path("configurations").path(model.path("configuration").asText());
        assertThat(configuration.path("optimizer.name").asText()).isEqualTo("dykaf");
        assertThat(configuration.path("model.layers").asText()).contains("16");
        JsonNode weights = model.path("tensors").path(0);
        assertThat(weights.path("name").asText()).isEqualTo("layer0.weights");
        assertThat(weights.path("rows").asInt()).isEqualTo(16);
        assertThat(weights.path("columns").asInt()).isEqualTo(8);
        assertThat(weights.path("bytes").asInt()).isEqualTo(4 * 16 * 8);
        assertThat(weights.path("norm").asDouble()).isPositive();
        List<JsonNode> symmetric = new ArrayList<>();
        model.path("tensors").forEach(tensor -> {
            if (tensor.path("symmetric").asBoolean()) {
                symmetric.add(tensor);
            }
        });
        assertThat(symmetric).isNotEmpty();
        assertThat(symmetric)
                .anySatisfy(factor ->
                        assertThat(factor.path("conditionNumber").asDouble()).isGreaterThan(1));
    }

    @Test
    void anIncrementalCheckpointSaysTheSame() throws Exception {
        JsonNode ofSavepoint = models(savepoint);
        JsonNode ofCheckpoint = models(checkpoint);

        assertThat(ofCheckpoint).isEqualTo(ofSavepoint);
        Words words = Words.of("state", "show", checkpoint.toString(), "--model", "main");
        assertThat(words.out())
                .contains("optimizer.name                       dykaf")
                .contains("Model main: 62 steps, 992 examples, version 6 (of step 60)")
                .containsPattern("trained through  partition \\d offset 999")
                .contains("layer0.weights");
        assertThat(words.status()).isZero();
    }

    @Test
    void aCheckpointFromTheHeapSaysTheSame() throws Exception {
        assertThat(models(heapCheckpoint)).isEqualTo(models(savepoint));
    }

    @Test
    void aCheckpointServesOnlyTheBackendThatWroteIt() {
        for (Path wrong : List.of(checkpoint, heapCheckpoint)) {
            boolean heap = wrong.equals(heapCheckpoint);
            Words words = runFrom(wrong, "--set", "state.backend=" + (heap ? "rocksdb" : "hashmap"));

            assertThat(words.complaints())
                    .containsExactly("kronstream: --from: the checkpoint at " + wrong + " is of a job with"
                            + " 'state.backend: " + (heap ? "hashmap" : "rocksdb") + "', and only such a job can go on"
                            + " from it; one with '" + (heap ? "rocksdb" : "hashmap") + "' goes on from a savepoint");
            assertThat(words.status()).isEqualTo(2);
        }
    }

    @Test
    void aCheckpointFromTheHeapIsGoneOnFrom() throws Exception {
        RunningJob running = onTheHeap(heapCheckpoint);

        FlinkRest rest = new FlinkRest(cluster.restAddress());
        await(() -> rest.allRunning(running.id()));
        assertThat(rest.checkpoints(running.id()).restored()).isEqualTo(1);
        running.cancel();
    }

    private static JsonNode models(Path path) throws Exception {
        Words words = Words.of("state", "show", path.toString(), "--json");
        assertThat(words.err()).isEmpty();
        return JSON.readTree(words.out()).path("models");
    }

    @Test
    void whatIsNoSavepointIsRefusedInOneSentence() {
        Path nothing = dir.resolve("nothing");
        assertThat(Words.of("state", "show", nothing.toString()).complaints())
                .singleElement()
                .asString()
                .contains("There is no savepoint or checkpoint at " + nothing);
        Words words = Words.of("state", "show", dir.resolve("kafka").toString());
        assertThat(words.complaints())
                .singleElement()
                .asString()
                .contains("There is no savepoint or checkpoint at " + dir.resolve("kafka"));
        assertThat(words.status()).isEqualTo(1);
        assertThat(Words.of("state", "show", savepoint.toString(), "--model", "other")
                        .complaints())
                .singleElement()
                .asString()
                .contains("There is no model 'other' in " + savepoint);
    }

    @Test
    void aJobThatDoesNotFitIsRefusedWithEveryDifference() {
        Words words = run("--set", "model.hidden=[8]", "--set", "optimizer.name=adam");

        assertThat(words.status()).isEqualTo(1);
        assertThat(words.complaints())
                .singleElement()
                .asString()
                .containsPattern("'model.layers' was \\[.*16.*\\], is \\[.*8.*\\]")
                .contains("'optimizer.name' was dykaf, is adam")
                .contains("What may change freely: optimizer.learning-rate");
    }

    @Test
    void aSavepointThatIsNotThereIsRefused() {
        Words words = Words.of(
                "run",
                file.toString(),
                "--cluster",
                cluster.restAddress().getAuthority(),
                "--from",
                "/no/such/savepoint");

        assertThat(words.status()).isEqualTo(1);
        assertThat(words.complaints()).singleElement().asString().contains("/no/such/savepoint");
        assertThat(Words.of("run", file.toString(), "--weights-only").complaints())
                .containsExactly("kronstream: --weights-only: needs --from SAVEPOINT");
    }

    @Test
    void anotherOptimizerStartsWarm() throws Exception {
        Words refused = run("--set", "optimizer.name=adam");
        assertThat(refused.complaints()).singleElement().asString().contains("--weights-only");

        Words warm = run("--set", "optimizer.name=adam", "--weights-only", "--json");
        assertThat(warm.err()).isEmpty();
        assertThat(warm.status()).isZero();
        send(200);
        awaitStep(70);
        String id = JSON.readTree(warm.out()).path("job").asText();
        FlinkRest rest = new FlinkRest(cluster.restAddress());
        assertThat(rest.checkpoints(id).restored()).isEqualTo(1);
        assertThat(rest.jobState(id)).isEqualTo("RUNNING");
    }

    private static Words run(String... more) {
        return runFrom(savepoint, more);
    }

    private static Words runFrom(Path from, String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "run",
                file.toString(),
                "--cluster",
                cluster.restAddress().getAuthority(),
                "--from",
                from.toString(),
                "--set",
                "job.restart.delay=100 ms"));
        arguments.addAll(List.of(more));
        return Words.of(arguments.toArray(String[]::new));
    }

    private static Path only(Path parent, String prefix) throws Exception {
        try (Stream<Path> children = Files.list(parent)) {
            List<Path> found = children.filter(
                            child -> child.getFileName().toString().startsWith(prefix))
                    .toList();
            assertThat(found).hasSize(1);
            return found.get(0);
        }
    }

    private static void send(int count) {
        Iterator<String> rows = BuiltInStreams.byName("sea").orElseThrow().rows(1);
        List<String> first = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            first.add(rows.next());
        }
        try (FileReplay replay = new FileReplay(
                job.kafka(), job.topics().examples(), job.learner().schema(), job.model())) {
            replay.replay(FileReplay.bytes(first.iterator()));
        }
    }

    private static void awaitStep(long step) throws Exception {
        try (ModelReader reader = new ModelReader(job.kafka(), job.topics().models(), false)) {
            await(() -> reader.newest("main")
                    .filter(stored -> stored.manifest().step() >= step)
                    .isPresent());
        }
    }
}
