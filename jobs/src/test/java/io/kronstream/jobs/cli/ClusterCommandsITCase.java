// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.Ports;
import io.kronstream.operators.TrainCounters;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that {@code docker-compose.yml} runs, as processes on this machine. */
class ClusterCommandsITCase {
    private static final Path ROOT = Path.of(System.getProperty("kronstream.root"));
    private static final int EXAMPLES = 3200;
    /** One for each mini-batch of 32 examples, the default. */
    private static final String STEPS = "100";

    private static final Duration LIMIT = Duration.ofSeconds(120);
    private static final int ENDED_BY_TERM = 128 + 15;

    @TempDir
    private Path dir;

    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void end() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    /** What {@code docker-compose.yml} runs: a broker, a cluster of two processes, a job, and something to learn. */
    @Test
    void brokerClusterJobAndStreamWorkTogether() throws Exception {
        String bootstrap = "127.0.0.1:" + freePort();
        String rpcPort = freePort();
        String port = freePort();
        Started broker = start(
                "broker",
                "--dir",
                dir.resolve("kafka").toString(),
                "--port",
                bootstrap.split(":")[1]);
        Started jobManager = start("jobmanager", "--rpc-port", rpcPort, "--port", port);
        assertThat(broker.firstLine()).startsWith("Kafka broker at " + bootstrap);
        assertThat(jobManager.firstLine())
                .isEqualTo("JobManager for TaskManagers at 127.0.0.1:%s, web UI at http://127.0.0.1:%s; Ctrl-C ends it."
                        .formatted(rpcPort, port));
        String metrics = freePort();
        Started taskManager =
                start("taskmanager", "--jobmanager-port", rpcPort, "--slots", "3", "--metrics-port", metrics);
        assertThat(taskManager.firstLine())
                .isEqualTo("TaskManager at 127.0.0.1 offers 3 slots to the JobManager at 127.0.0.1:%s; Ctrl-C ends it."
                        .formatted(rpcPort));
        FlinkRest rest = new FlinkRest(URI.create("http://127.0.0.1:" + port));
        await(() -> rest.slots() == 3);
        assertThat(rest.taskManagers()).hasSize(1);

        String job = ROOT.resolve("jobs/examples/sea.yaml").toString();
        String kafka = "--set=kafka.bootstrap=" + bootstrap;
        String[] submission = {
            "run",
            job,
            kafka,
            "--set=checkpoint.directory=" + dir.resolve("checkpoints").toUri(),
            "--cluster=127.0.0.1:" + port,
            "--unless-running"
        };
        Started run = start(submission);
        assertThat(run.firstLine()).matches("Job [0-9a-f]{32} runs; Flink dashboard: http://127.0.0.1:" + port);
        String id = run.firstLine().split(" ")[1];
        Started replay = start("replay", "sea", "--job=" + job, kafka, "--examples=" + EXAMPLES);
        int status = replay.end();
        assertThat(status).as(replay.output()).isZero();
        assertThat(replay.output()).contains("Sent 3,200 rows");
        await(() -> STEPS.equals(rest.accumulators(id).get(TrainCounters.STEPS)));
        assertThat(rest.accumulators(id)).containsEntry(TrainCounters.EXAMPLES, Integer.toString(EXAMPLES));
        try (InputStream shown =
                URI.create("http://127.0.0.1:" + metrics + "/metrics").toURL().openStream()) {
            assertThat(new String(shown.readAllBytes(), StandardCharsets.UTF_8))
                    .contains("flink_taskmanager_job_task_operator_trainSteps{");
        }
        Started again = start(submission);
        assertThat(again.firstLine()).contains("Job " + id + " runs");
        assertThat(rest.activeJobs("sea")).containsExactly(id);

        for (Started process : List.of(taskManager, jobManager, broker)) {
            process.process().destroy();
            assertThat(process.end()).isIn(0, ENDED_BY_TERM);
            assertThat(process.output()).doesNotContain("ERROR").doesNotContain("FATAL");
        }
    }

    @Test
    void anOccupiedPortIsOneSentence() throws Exception {
        try (ServerSocket occupied = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String port = Integer.toString(occupied.getLocalPort());
            Started jobManager = start("jobmanager", "--rpc-port", "0", "--port", port);

            assertThat(jobManager.end()).isEqualTo(ExitStatus.FAILED);
            assertThat(jobManager.output().lines())
                    .singleElement()
                    .asString()
                    .startsWith("kronstream: The Flink web UI cannot listen on 127.0.0.1:" + port);
        }
    }

    private Started start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(List.of(arguments));
        Path output = dir.resolve(arguments[0] + ".out");
        Process process = new ProcessBuilder(command)
                .directory(dir.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        processes.add(process);
        return new Started(process, output);
    }

    /** A command that was started, and the file that takes both its output streams. */
    private record Started(Process process, Path file) {
        String output() throws IOException {
            return Files.readString(file);
        }

        String firstLine() throws Exception {
            await(() -> output().contains("\n") || !process.isAlive());
            return output().lines().findFirst().orElse("");
        }

        int end() throws InterruptedException {
            assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        }
    }

    private static String freePort() throws IOException {
        return Integer.toString(Ports.free(Ports.LOOPBACK));
    }
}
