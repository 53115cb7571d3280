// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.Test;

class MiniFlinkClusterITCase {
    private static final long ENDLESS = Long.MAX_VALUE;

    @Test
    void aJobIsSeenThroughRest() throws Exception {
        try (MiniFlinkCluster cluster = MiniFlinkCluster.start(2, -1)) {
            FlinkRest rest = new FlinkRest(cluster.restAddress());
            JobClient client = submitCheckpointedJob(cluster.restAddress());
            String job = client.getJobID().toHexString();

            Await.until("all subtasks run", () -> rest.allRunning(job));
            Await.until(
                    "two checkpoints are complete", () -> rest.checkpoints(job).completed() >= 2);

            assertThat(rest.jobState(job)).isEqualTo("RUNNING");
            assertThat(rest.checkpoints(job).restored()).isZero();
            assertThat(rest.vertices(job))
                    .extracting(FlinkRest.Vertex::parallelism)
                    .contains(2);
            assertThat(rest.taskManagerOf(job, "Source", 0))
                    .contains(rest.taskManagers().get(0));
            assertThat(rest.taskManagerOf(job, "no such vertex", 0)).isEmpty();
            client.cancel().get();
        }
    }

    @Test
    void theDashboardIsServed() throws Exception {
        try (MiniFlinkCluster cluster = MiniFlinkCluster.start(1, 0)) {
            HttpResponse<String> page = HttpClient.newHttpClient()
                    .send(HttpRequest.newBuilder(cluster.restAddress()).build(), HttpResponse.BodyHandlers.ofString());

            assertThat(page.statusCode()).isEqualTo(200);
            assertThat(page.body()).contains("<title>Apache Flink Web Dashboard</title>");
        }
    }

    @Test
    void itListensOnLoopbackOnly() throws Exception {
        assumeThat(ListeningSockets.supported()).isTrue();
        try (MiniFlinkCluster cluster = MiniFlinkCluster.start(1, 0)) {
            assertThat(cluster.restAddress().getHost()).isEqualTo(Ports.LOOPBACK);
            assertThat(ListeningSockets.of(ProcessHandle.current().pid()))
                    .isNotEmpty()
                    .allMatch(ListeningSockets::isLoopback);
        }
    }

    @Test
    void anOccupiedPortIsNamed() throws Exception {
        try (ServerSocket occupied = new ServerSocket(0, 1, InetAddress.getByName(Ports.LOOPBACK))) {
            int port = occupied.getLocalPort();

            assertThatThrownBy(() -> MiniFlinkCluster.start(1, port))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("The Flink web UI cannot listen on 127.0.0.1:" + port);
        }
    }

    @Test
    void aClusterThatIsNotThereIsNamed() throws Exception {
        FlinkRest rest = new FlinkRest(URI.create("http://127.0.0.1:" + Ports.free(Ports.LOOPBACK)));

        assertThatThrownBy(rest::taskManagers)
                .isInstanceOf(IOException.class)
                .hasMessageEndingWith("does not answer: is it running?");
    }

    private static JobClient submitCheckpointedJob(URI cluster) throws Exception {
        Configuration job = new Configuration();
        job.setString("execution.checkpointing.interval", "100 ms");
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createRemoteEnvironment(cluster.getHost(), cluster.getPort(), job);
        environment.setParallelism(2);
        environment.fromSequence(0, ENDLESS).sinkTo(new DiscardingSink<>());
        return environment.executeAsync("sequence");
    }
}
