// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.Topics;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.JobRecord;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.SubmittedJob;
import io.kronstream.jobs.embedded.ClusterSettings.TaskManagerMemory;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The thin jar on a cluster that was started without it: a JobManager and a TaskManager as processes that have Flink and what
 * lies in {@code lib/} on their class path. The jar comes through the web interface; its classes are loaded child-first.
 */
class UploadedJarITCase {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final Path TARGET = Path.of("target").toAbsolutePath();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final String BOUNDARY = "----kronstream";

    private final List<Process> processes = new ArrayList<>();

    @TempDir
    private Path dir;

    @AfterEach
    void end() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void aThinJarLearnsOnAClusterThatHasOnlyItsLibraries() throws Exception {
        int rpcPort = Ports.free(Ports.LOOPBACK);
        int restPort = Ports.free(Ports.LOOPBACK);
        Path conf = ClusterSettings.common(Ports.LOOPBACK, rpcPort)
                .jobManager(restPort)
                .taskManager(Ports.LOOPBACK, 1, TaskManagerMemory.ofThisJvm())
                .temporaryFiles(dir)
                .writeInto(dir.resolve("conf"));
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir.resolve("kafka"), 0)) {
            start("jobmanager", StandaloneSessionClusterEntrypoint.class, conf, "-Dweb.submit.enable=true");
            start("taskmanager", TaskManagerRunner.class, conf);
            URI web = URI.create("http://" + Ports.LOOPBACK + ":" + restPort);
            FlinkRest rest = new FlinkRest(web);
            await(() -> slots(rest) == 1);

            String jar = upload(web, jobJar());
            String job = run(web, jar, jobFile(broker.bootstrap()));
            await(() -> state(web, job).equals("FINISHED"));

            KafkaSettings kafka = KafkaSettings.of(broker.bootstrap());
            Topics topics = new Topics("uploaded");
            JobSettings settings = JobRecord.read(kafka, topics).orElseThrow();
            try (ModelReader reader = new ModelReader(kafka, topics.models(), false)) {
                var newest = reader.newest();
                assertThat(newest).containsOnlyKeys("main");
                assertThat(newest.get("main").examples()).isEqualTo(1000);
                assertThat(new Oracle(settings).digests(newest.values()))
                        .containsEntry("main", newest.get("main").modelDigest());
            }
        }
    }

    private void start(String name, Class<?> main, Path conf, String... arguments) throws IOException {
        List<String> classPath;
        try (Stream<Path> lib = Files.list(TARGET.resolve("lib"))) {
            classPath = lib.map(Path::toString).sorted().toList();
        }
        assertThat(classPath).isNotEmpty().noneMatch(entry -> entry.contains("kronstream-jobs"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx768m",
                "--add-opens=java.base/java.util=ALL-UNNAMED",
                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                "-Dlog.file=" + dir.resolve(name + ".log"),
                "-cp",
                String.join(File.pathSeparator, classPath),
                main.getName(),
                "--configDir",
                conf.toString()));
        command.addAll(List.of(arguments));
        processes.add(new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve(name + ".out").toFile())
                .start());
    }

    private static Path jobJar() throws IOException {
        try (Stream<Path> files = Files.list(TARGET)) {
            return files.filter(
                            file -> file.getFileName().toString().matches("kronstream-jobs-[^-]*(-SNAPSHOT)?\\.jar"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private Path jobFile(String bootstrap) throws IOException {
        var sea = BuiltInStreams.byName("sea").orElseThrow();
        List<String> lines =
                new ArrayList<>(List.of(String.join(",", sea.schema().columns())));
        Iterator<String> rows = sea.rows(1);
        while (lines.size() <= 1000) {
            lines.add(rows.next());
        }
        Files.write(dir.resolve("sea.csv"), lines);
        Path file = dir.resolve("job.yaml");
        Files.writeString(
                file,
                """
                kafka: {bootstrap: "%s", prefix: uploaded}
                columns: [time, x1, x2, x3, label]
                schema: {task: binary, label: label, numeric: [x1, x2, x3], time: time}
                source: {file: sea.csv}
                model: {hidden: [8]}
                refresh: {interval: 5}
                checkpoint: {interval: 500 ms, directory: "%s"}
                """
                        .formatted(bootstrap, dir.resolve("checkpoints").toUri()));
        return file;
    }

    private static String upload(URI web, Path jar) throws Exception {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.writeBytes(
                ("--" + BOUNDARY + "\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"job.jar\"\r\n"
                                + "Content-Type: application/x-java-archive\r\n\r\n")
                        .getBytes(StandardCharsets.UTF_8));
        body.writeBytes(Files.readAllBytes(jar));
        body.writeBytes(("\r\n--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.UTF_8));
        HttpRequest request = HttpRequest.newBuilder(web.resolve("/jars/upload"))
                .header("Content-Type", "multipart/form-data; boundary=" + BOUNDARY)
                .POST(BodyPublishers.ofByteArray(body.toByteArray()))
                .build();
        String file = answer(request).path("filename").asText();
        return file.substring(file.lastIndexOf('/') + 1);
    }

    private static String run(URI web, String jar, Path job) throws Exception {
        String body = JSON.writeValueAsString(
                Map.of("entryClass", SubmittedJob.class.getName(), "programArgsList", List.of(job.toString())));
        HttpRequest request = HttpRequest.newBuilder(web.resolve("/jars/" + jar + "/run"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build();
        return answer(request).path("jobid").asText();
    }

    private static String state(URI web, String job) throws Exception {
        String state = answer(
                        HttpRequest.newBuilder(web.resolve("/jobs/" + job)).build())
                .path("state")
                .asText();
        assertThat(state).isNotIn("FAILED", "CANCELED");
        return state;
    }

    private static JsonNode answer(HttpRequest request) throws Exception {
        HttpResponse<String> response = HTTP.send(request, BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    /** Of the cluster as far as it answers already. */
    private static int slots(FlinkRest rest) {
        try {
            return rest.slots();
        } catch (IOException e) {
            return 0;
        }
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private void await(Condition condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime())
                    .as("still within the deadline; " + dir)
                    .isLessThan(deadline);
            assertThat(processes).allMatch(Process::isAlive);
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        }
    }
}
