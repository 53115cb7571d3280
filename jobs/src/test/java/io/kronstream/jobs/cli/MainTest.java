// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong before anything runs: one sentence, and a status that says whose fault it is. */
class MainTest {
    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"demo", "verify", "run", "drill", "bench", "broker", "jobmanager", "taskmanager"})
    void everyCommandHelps(String command) {
        Words words = Words.of(command, "--help");

        assertThat(words.status()).isZero();
        assertThat(words.out()).startsWith("Usage: kronstream " + command);
        assertThat(words.err()).isEmpty();
    }

    @Test
    void misuseOfWords() {
        misused("Name a command");
        misused("Unmatched argument at index 0: 'learn'", "learn");
        misused("Unknown option: '--exampels=5'", "demo", "--exampels=5");
        misused("'many' is not a long", "demo", "--examples", "many");
        misused("Missing required parameter: 'job.yaml'", "run");
        misused("--examples: must be at least 1, was 0", "demo", "--examples", "0");
        misused("--port: must lie in [0, 65535], was 99999", "demo", "--port", "99999");
        misused("--keep DIR, --bootstrap HOST:PORT or --job job.yaml", "verify");
    }

    @Test
    void misuseOfOptions() {
        misused("unknown optimizer 'sofa'", "demo", "--optimizer", "sofa");
        misused("it is one of auto, inline, remote", "demo", "--refresh", "elsewhere");
        misused("'lag' must not be negative, was -1", "demo", "--lag=-1");
        misused(
                "--broker-down: must be a time such as 60s, at most 3min, was 'long'",
                "drill",
                "--broker-down",
                "long");
        misused("at most 3min, was '4min'", "drill", "--broker-down", "4min");
        misused("did you mean 'model.hidden'?", "demo", "--set", "model.hiden=[3]");
        misused("'batch' must lie in [1, 65536], was 0", "demo", "--batch", "0");
        misused(
                "there is no directory",
                "demo",
                "--json",
                dir.resolve("no/where.json").toString());
    }

    @Test
    void everyProblemHasALineOfItsOwn() {
        Words words = Words.of("demo", "--batch", "0", "--optimizer", "sofa", "--parallelism", "many");

        assertThat(words.status()).isEqualTo(2);
        assertThat(words.complaints()).hasSize(3).allMatch(line -> line.startsWith("kronstream: demo: "));
    }

    @Test
    void misuseOfFiles() throws IOException {
        misused(
                "there is no file 'nowhere.csv' and no built-in stream of that name",
                "demo",
                "--dataset",
                "nowhere.csv");
        Path data = Files.writeString(dir.resolve("data.csv"), "a,b\n1,2\n");
        misused("needs a schema: name one with --schema", "demo", "--dataset", data.toString());
        misused(
                "there is no such file",
                "demo",
                "--dataset",
                data.toString(),
                "--schema",
                dir.resolve("none.yaml").toString());
        Path schema = Files.writeString(dir.resolve("s.yaml"), "{task: binary, label: b, numeric: [humidity]}");
        misused(
                "'numeric' names the unknown column 'humidity'; the columns are a, b",
                "demo",
                "--dataset",
                data.toString(),
                "--schema",
                schema.toString());
        misused("has a schema of its own", "demo", "--dataset", "sea", "--schema", schema.toString());
        misused("there is no such file", "run", dir.resolve("job.yaml").toString());
        misused("is no directory that 'kronstream demo --keep' has left", "verify", "--keep", dir.toString());
        misused("is not empty; name a new one", "demo", "--keep", dir.toString());
    }

    @Test
    void anOccupiedPort() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            failed("cannot listen on 127.0.0.1:" + taken.getLocalPort(), "demo", "--port", "" + taken.getLocalPort());
        }
    }

    @Test
    void aBrokerThatIsNotThere() throws IOException {
        failed("Kafka at 127.0.0.1:1 did not answer", "verify", "--model", "main", "--bootstrap", "127.0.0.1:1");
        Path job = Files.writeString(
                dir.resolve("job.yaml"),
                """
                kafka: {bootstrap: "127.0.0.1:1"}
                columns: [x, y]
                schema: {task: regression, label: y, numeric: [x]}
                """);
        failed("Kafka at 127.0.0.1:1 did not answer", "run", job.toString());
        misused("'checkpoint.directory' is missing", "run", job.toString(), "--cluster", "127.0.0.1:1");
        misused("must be HOST:PORT, was 'somewhere'", "run", job.toString(), "--cluster", "somewhere");
    }

    private static void misused(String sentence, String... arguments) {
        ends(2, sentence, arguments);
    }

    private static void failed(String sentence, String... arguments) {
        ends(1, sentence, arguments);
    }

    private static void ends(int status, String sentence, String... arguments) {
        Words words = Words.of(arguments);

        assertThat(words.complaints())
                .singleElement()
                .asString()
                .startsWith("kronstream: ")
                .contains(sentence);
        assertThat(words.status()).isEqualTo(status);
    }
}
