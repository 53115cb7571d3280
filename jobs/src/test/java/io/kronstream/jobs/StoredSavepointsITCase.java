// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.savepoint.Savepoint;
import io.kronstream.linalg.Numerics;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Savepoints that earlier releases have left are gone on from. Each stands in a directory of
 * {@code src/test/resources/savepoints} that is named for its release:
 *
 * <ul>
 *   <li>{@code job.yaml}, {@code rows.csv}: the job and the whole stream;
 *   <li>{@code savepoint}: where the job stood after the first part of the stream;
 *   <li>{@code at-savepoint.txt}: of each model its name, steps, examples, last offset and digest there;
 *   <li>{@code at-end.txt}: the same at the end of the stream, after a line with the numerics that led there.
 * </ul>
 *
 * A release adds its own with {@code KRONSTREAM_WRITE_SAVEPOINT=0.1 mvn -pl jobs -am verify -Dtest=NONE
 * -Dit.test=StoredSavepointsITCase -Dsurefire.failIfNoSpecifiedTests=false -Dfailsafe.failIfNoSpecifiedTests=false}.
 * From then on it is never touched again. Only whoever changes numbers on purpose deletes {@code at-end.txt} everywhere,
 * and runs this test, which writes what is missing.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class StoredSavepointsITCase {
    private static final String WRITE = "KRONSTREAM_WRITE_SAVEPOINT";
    private static final Path DIRECTORY =
            Path.of(System.getProperty("kronstream.root"), "jobs/src/test/resources/savepoints");
    private static final int ROWS = 300;
    /** Neither the mini-batches nor the refresh intervals of the two models end here. */
    private static final int FIRST_ROWS = 191;

    private static final String JOB =
            """
            # refreshes are outstanding and mini-batches open wherever this job stops
            job: {name: stored, max-parallelism: 4}
            kafka: {bootstrap: "localhost:9092", prefix: stored}
            columns: [time, shop, price, age, colour, item, bought]
            schema:
              task: binary
              label: bought
              time: time
              key: shop
              numeric: [price, age]
              categorical:
                - {column: colour, buckets: 4}
                - {column: item, buckets: 8, embedding: 2}
              label_lags: [1]
            model: {hidden: [6], publish-every: 4}
            batch: {size: 4}
            optimizer: {name: dykaf}
            refresh: {mode: remote, interval: 5, lag: 5}
            checkpoint: {interval: 200 ms, directory: "file:///savepoints"}
            """;

    @TempDir
    Path dir;

    private JobBed bed;

    /** A broker each: the positions in the savepoints are those of one topic. */
    @BeforeEach
    void start() throws Exception {
        bed = new JobBed(dir, 4);
    }

    @AfterEach
    void stop() {
        bed.close();
    }

    static Stream<Path> releases() throws IOException {
        try (Stream<Path> releases = Files.list(DIRECTORY)) {
            return releases.sorted().toList().stream();
        }
    }

    static Stream<Arguments> releasesAndBackends() throws IOException {
        return releases().flatMap(release -> Stream.of(Backend.values()).map(backend -> arguments(release, backend)));
    }

    @Test
    @Order(1)
    @EnabledIfEnvironmentVariable(named = WRITE, matches = ".+")
    void writeTheSavepointOfThisRelease() throws Exception {
        Path release = DIRECTORY.resolve(System.getenv(WRITE));
        Files.createDirectories(release);
        Files.writeString(release.resolve("job.yaml"), JOB);
        Files.write(release.resolve("rows.csv"), rows());
        Path savepoint = release.resolve("savepoint");
        delete(savepoint);

        Run run = bed.start(settings(release, Backend.ROCKSDB), rows(), FIRST_ROWS);
        await(() -> run.trained() >= FIRST_ROWS);
        Files.move(Path.of(URI.create(run.stop(dir.resolve("savepoints")))), savepoint);

        Files.write(release.resolve("at-savepoint.txt"), models(savepoint));
        Files.deleteIfExists(release.resolve("at-end.txt"));
    }

    @ParameterizedTest
    @MethodSource("releases")
    @Order(2)
    void holdsWhatWasLearned(Path release) throws Exception {
        assertThat(models(release.resolve("savepoint")))
                .isEqualTo(Files.readAllLines(release.resolve("at-savepoint.txt")));
    }

    /** With each backend: to go on with another one from a savepoint changes no number. */
    @ParameterizedTest
    @MethodSource("releasesAndBackends")
    @Order(3)
    void isGoneOnFromToTheLastBit(Path release, Backend backend) throws Exception {
        Run run = bed.start(
                settings(release, backend),
                new StartFrom(release.resolve("savepoint").toUri().toString(), false),
                Files.readAllLines(release.resolve("rows.csv")),
                ROWS);
        run.awaitEnd();

        List<String> actual = end(run);
        Path atEnd = release.resolve("at-end.txt");
        if (!Files.exists(atEnd)) {
            Files.write(atEnd, actual);
        }
        List<String> expected = Files.readAllLines(atEnd);
        boolean alike = expected.get(0).equals(actual.get(0));
        assertThat(alike ? actual : withoutDigests(actual)).isEqualTo(alike ? expected : withoutDigests(expected));
    }

    private JobSettings settings(Path release, Backend backend) {
        return JobFile.read(
                release.resolve("job.yaml"),
                Map.of(
                        "state.backend",
                        backend.toString(),
                        "kafka.bootstrap",
                        bed.kafka().bootstrap(),
                        "checkpoint.directory",
                        dir.resolve("checkpoints").toUri().toString()));
    }

    private static List<String> models(Path savepoint) throws Exception {
        Savepoint stored = Savepoint.open(savepoint.toUri().toString());
        List<String> lines = new ArrayList<>();
        for (JsonNode model : stored.models(stored.layouts(), null)) {
            SortedMap<Integer, Long> offsets = new TreeMap<>();
            model.path("trainedThrough")
                    .properties()
                    .forEach(entry -> offsets.put(
                            Integer.valueOf(entry.getKey()), entry.getValue().asLong()));
            lines.add(line(
                    model.path("model").asText(),
                    model.path("step").asLong(),
                    model.path("examples").asLong(),
                    offsets,
                    model.path("digest").asText()));
        }
        return lines;
    }

    private static List<String> end(Run run) {
        List<String> lines = new ArrayList<>();
        lines.add(Numerics.fingerprint().replaceAll(" \\| JDK .*", ""));
        for (ModelManifest version : run.versions().values()) {
            lines.add(line(
                    version.model(),
                    version.step(),
                    version.examples(),
                    version.trainedThrough(),
                    version.modelDigest()));
        }
        return lines;
    }

    private static String line(
            String model, long step, long examples, SortedMap<Integer, Long> trainedThrough, String digest) {
        return model + ": " + step + " steps, " + examples + " examples, through " + trainedThrough + ", " + digest;
    }

    private static List<String> withoutDigests(List<String> lines) {
        return lines.stream()
                .skip(1)
                .map(line -> line.substring(0, line.lastIndexOf(',')))
                .toList();
    }

    /** Two shops, with a value missing now and then. */
    private static List<String> rows() {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            long price = Math.round(100 * (5 + 4 * StrictMath.sin(0.7 * i)));
            String age = i % 17 == 3 ? "" : Integer.toString(i * i % 60);
            boolean bought = price < 500 ^ i * i % 60 > 30 ^ i % 7 == 0;
            rows.add((1767225600000L + 1000L * i) + ",shop-" + i * i % 3 + "," + price + "," + age + ",c" + i % 5 + ",i"
                    + i * i % 11 + "," + (bought ? 1 : 0));
        }
        return rows;
    }

    private static void delete(Path directory) throws IOException {
        if (Files.exists(directory)) {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        }
    }
}
