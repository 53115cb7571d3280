// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.TrainCounters;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The topics as {@code kcat} writes and reads them, which has nothing in common with this product; skipped where it is absent. */
class KcatITCase {
    private static final int ROWS = 400;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Test
    void anotherClientWritesExamplesAndCommandsAndReadsWhatComes(@TempDir Path dir) throws Exception {
        boolean installed = Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(place -> Files.isExecutable(Path.of(place, "kcat")));
        assumeTrue(installed, "kcat is not installed");
        DataSchema schema = BuiltInStreams.byName("sea").orElseThrow().schema();
        try (JobBed bed = new JobBed(dir, 2)) {
            JobSettings settings = bed.settings(schema, Map.of());
            Run run = bed.startEndless(settings, StartFrom.NOTHING);
            String broker = bed.kafka().bootstrap();
            String examples = settings.topics().examples();

            Iterator<String> rows = BuiltInStreams.byName("sea").orElseThrow().rows(1);
            List<String> sent = new ArrayList<>();
            while (sent.size() < ROWS) {
                sent.add(rows.next());
            }
            sent.add(100, "this is no row");
            write(dir, broker, examples, sent, "-k", "main");
            await(() -> run.counterNow(TrainCounters.EXAMPLES) >= ROWS);
            write(
                    dir,
                    broker,
                    examples,
                    List.of("{\"command\": \"publish\", \"id\": \"k\"}"),
                    "-k",
                    "main",
                    "-H",
                    "kronstream-control=1");
            write(dir, broker, examples, List.of("nonsense"), "-k", "main", "-H", "kronstream-control=1");
            await(() -> run.counterNow(TrainCounters.COMMANDS) >= 1);
            run.finish(dir.resolve("savepoints"));

            List<String> scores = read(dir, broker, settings.topics().scores(), "%s\n");
            assertThat(scores).hasSize(ROWS);
            assertThat(new ObjectMapper().readTree(scores.get(0)).path("model").asText())
                    .isEqualTo("main");
            assertThat(read(dir, broker, settings.topics().deadLetters(), "%h|%s\n"))
                    .satisfiesExactlyInAnyOrder(
                            letter ->
                                    assertThat(letter).contains("reason=fields").endsWith("|this is no row"),
                            letter -> assertThat(letter)
                                    .contains("reason=control")
                                    .endsWith("|nonsense"));
            List<String> manifests = read(dir, broker, settings.topics().models(), "%k|%s\n").stream()
                    .filter(record -> record.startsWith("main/manifest/"))
                    .toList();
            JsonNode newest = new ObjectMapper()
                    .readTree(manifests.get(manifests.size() - 1).split("\\|", 2)[1]);
            assertThat(newest.path("examples").asInt()).isEqualTo(ROWS);
            assertThat(newest.at("/control/applied/0/id").asText()).isEqualTo("k");
        }
    }

    private static void write(Path dir, String broker, String topic, List<String> lines, String... more)
            throws Exception {
        Path input = Files.write(dir.resolve("input"), lines);
        List<String> command =
                new ArrayList<>(List.of("kcat", "-P", "-b", broker, "-t", topic, "-X", "partitioner=murmur2_random"));
        command.addAll(List.of(more));
        run(new ProcessBuilder(command).redirectInput(input.toFile()), dir);
    }

    /** All records of a topic, one after the other in this format. */
    private static List<String> read(Path dir, String broker, String topic, String format) throws Exception {
        return run(new ProcessBuilder("kcat", "-C", "-q", "-e", "-b", broker, "-t", topic, "-f", format), dir);
    }

    private static List<String> run(ProcessBuilder command, Path dir) throws Exception {
        Path output = dir.resolve("output");
        Path errors = dir.resolve("errors");
        Process process = command.redirectOutput(output.toFile())
                .redirectError(errors.toFile())
                .start();
        try {
            assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as(Files.readString(errors)).isZero();
        // chunks of models are no text
        return new String(Files.readAllBytes(output), StandardCharsets.ISO_8859_1)
                .lines()
                .toList();
    }
}
