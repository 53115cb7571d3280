// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import io.kronstream.jobs.embedded.ClusterSettings.TaskManagerMemory;
import java.io.IOException;
import java.net.URI;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A JobManager and one TaskManager in this JVM, with the web dashboard. */
public final class MiniFlinkCluster implements FlinkCluster {
    private static final Logger LOG = LoggerFactory.getLogger(MiniFlinkCluster.class);
    private static final long SHUTDOWN_SECONDS = 30;

    private final MiniCluster cluster;
    private final URI restAddress;
    private boolean closed;

    private MiniFlinkCluster(MiniCluster cluster, URI restAddress) {
        this.cluster = cluster;
        this.restAddress = restAddress;
    }

    /**
     * Starts a cluster and returns when it takes jobs.
     *
     * @param slots task slots
     * @param uiPort port of the REST endpoint and dashboard; 0 or -1 for a free one
     * @throws IOException with one sentence if the port is in use or the cluster does not start
     */
    public static MiniFlinkCluster start(int slots, int uiPort) throws IOException {
        return start(slots, uiPort, 0);
    }

    /** As {@link #start(int, int)}; {@code metricsPort} is where Prometheus can ask for metrics, 0 for nowhere. */
    public static MiniFlinkCluster start(int slots, int uiPort, int metricsPort) throws IOException {
        int restPort = Ports.choose("The Flink web UI", Ports.LOOPBACK, Math.max(0, uiPort));
        ClusterSettings settings = ClusterSettings.common(Ports.LOOPBACK, 0)
                .jobManager(restPort)
                .taskManager(Ports.LOOPBACK, slots, TaskManagerMemory.ofThisJvm());
        if (metricsPort > 0) {
            settings.prometheus(metricsPort);
        }
        MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(settings.configuration())
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(slots)
                .build());
        MiniFlinkCluster started = null;
        try {
            cluster.start();
            URI address = URI.create("http://%s:%d".formatted(Ports.LOOPBACK, restPort));
            started = new MiniFlinkCluster(cluster, address);
            FlinkRest rest = new FlinkRest(address);
            Await.until("the Flink cluster has " + slots + " task slots", () -> rest.slots() >= slots);
            return started;
        } catch (Exception e) {
            if (started == null) {
                cluster.closeAsync();
            } else {
                started.close();
            }
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            throw new IOException("The Flink cluster did not start: " + e.getMessage(), e);
        }
    }

    @Override
    public URI restAddress() {
        return restAddress;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            cluster.closeAsync().get(SHUTDOWN_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("The Flink cluster did not shut down in order", e);
        }
    }
}
