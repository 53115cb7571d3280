// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessFlinkClusterITCase {
    @TempDir
    private Path dir;

    @Test
    void aKilledTaskManagerIsReplaced() throws Exception {
        ProcessHandle killed;
        ProcessHandle replacement;
        try (ProcessFlinkCluster cluster = ProcessFlinkCluster.start(dir, 1, 2, -1)) {
            FlinkRest rest = new FlinkRest(cluster.restAddress());
            assertThat(rest.taskManagers()).containsExactly(cluster.taskManagerId(0));
            assertThat(rest.slots()).isEqualTo(2);
            killed = ProcessHandle.of(cluster.taskManagerPid(0)).orElseThrow();

            cluster.killTaskManager(0);

            assertThat(killed.isAlive()).isFalse();
            int index = cluster.startTaskManager(Map.of("OPENBLAS_NUM_THREADS", "3"));
            assertThat(rest.taskManagers()).contains(cluster.taskManagerId(index));
            Await.until("the killed TaskManager is missed", () -> rest.taskManagers()
                    .equals(List.of(cluster.taskManagerId(index))));
            replacement = ProcessHandle.of(cluster.taskManagerPid(index)).orElseThrow();
            assertEnvironment(replacement.pid(), "OPENBLAS_NUM_THREADS=3");
            assertThat(Files.readString(dir.resolve(cluster.taskManagerId(index) + ".log")))
                    .contains("registration");
        }
        assertThat(replacement.isAlive()).isFalse();
    }

    @Test
    void everyProcessListensOnLoopbackOnly() throws Exception {
        assumeThat(ListeningSockets.supported()).isTrue();
        try (ProcessFlinkCluster cluster = ProcessFlinkCluster.start(dir, 1, 1, -1)) {
            assertThat(ListeningSockets.of(cluster.taskManagerPid(0)))
                    .isNotEmpty()
                    .allMatch(ListeningSockets::isLoopback);
            assertThat(ListeningSockets.of(cluster.jobManagerPid()))
                    .isNotEmpty()
                    .allMatch(ListeningSockets::isLoopback);
        }
    }

    @Test
    void anOccupiedPortIsNamed() throws Exception {
        try (ServerSocket occupied = new ServerSocket(0, 1, InetAddress.getByName(Ports.LOOPBACK))) {
            int port = occupied.getLocalPort();

            assertThatThrownBy(() -> ProcessFlinkCluster.start(dir, 1, 1, port))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("The Flink web UI cannot listen on 127.0.0.1:" + port);
        }
    }

    private static void assertEnvironment(long pid, String variable) throws IOException {
        Path environment = Path.of("/proc", Long.toString(pid), "environ");
        if (Files.isReadable(environment)) {
            assertThat(Files.readString(environment).split("\0")).contains(variable);
        }
    }
}
