// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.jobs.embedded.FlinkRest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that {@code docker-compose.yml} runs, as processes on this machine. */
class ClusterCommandsITCase {
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

    @Test
    void aTaskManagerRegistersAtItsJobManager() throws Exception {
        String rpcPort = freePort();
        String port = freePort();
        Process jobManager = start("jobmanager", "--rpc-port", rpcPort, "--port", port);
        assertThat(firstLine(jobManager))
                .isEqualTo("JobManager for TaskManagers at 127.0.0.1:%s, web UI at http://127.0.0.1:%s; Ctrl-C ends it."
                        .formatted(rpcPort, port));

        Process taskManager = start("taskmanager", "--jobmanager-port", rpcPort, "--slots", "3");
        assertThat(firstLine(taskManager))
                .isEqualTo("TaskManager at 127.0.0.1 offers 3 slots to the JobManager at 127.0.0.1:%s; Ctrl-C ends it."
                        .formatted(rpcPort));

        FlinkRest rest = new FlinkRest(URI.create("http://127.0.0.1:" + port));
        long start = System.nanoTime();
        while (rest.slots() != 3 && System.nanoTime() - start < LIMIT.toNanos()) {
            LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
        }
        assertThat(rest.slots()).isEqualTo(3);
        assertThat(rest.taskManagers()).hasSize(1);
        endsWhenAsked(taskManager);
        endsWhenAsked(jobManager);
    }

    @Test
    void aBrokerAnswersUntilItIsAskedToEnd() throws Exception {
        String port = freePort();
        Process broker = start("broker", "--dir", dir.toString(), "--port", port);
        assertThat(firstLine(broker)).startsWith("Kafka broker at 127.0.0.1:" + port);

        try (Admin admin = Admin.create(Map.of("bootstrap.servers", "127.0.0.1:" + port))) {
            assertThat(admin.describeCluster().nodes().get()).hasSize(1);
        }
        endsWhenAsked(broker);
    }

    @Test
    void anOccupiedPortIsOneSentence() throws Exception {
        try (ServerSocket occupied = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String port = Integer.toString(occupied.getLocalPort());
            Process jobManager = start("jobmanager", "--rpc-port", "0", "--port", port);

            assertThat(firstLine(jobManager))
                    .startsWith("kronstream: The Flink web UI cannot listen on 127.0.0.1:" + port);
            assertThat(jobManager.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(jobManager.exitValue()).isEqualTo(ExitStatus.FAILED);
        }
    }

    private static void endsWhenAsked(Process process) throws InterruptedException {
        process.destroy();
        assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isIn(0, ENDED_BY_TERM);
    }

    private Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        processes.add(process);
        return process;
    }

    private static String firstLine(Process process) throws IOException {
        return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
    }

    private static String freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return Integer.toString(socket.getLocalPort());
        }
    }
}
