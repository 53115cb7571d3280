// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;

/**
 * Flink's configuration of the clusters started here. Checkpoints, restarts and the state backend are a job's own
 * settings and are not part of it: those of a cluster do not apply to a job that is submitted to it.
 */
final class ClusterSettings {
    /** File that Flink reads its configuration from. */
    static final String FILE = "config.yaml";

    private static final int MEBIBYTE = 1 << 20;

    private final Map<String, String> values = new TreeMap<>();

    private ClusterSettings() {}

    /**
     * What a JobManager and its TaskManagers have in common. The short heartbeats make a lost process known within
     * seconds.
     *
     * @param host the JobManager's host, as TaskManagers and clients reach it
     * @param rpcPort its port for TaskManagers
     */
    static ClusterSettings common(String host, int rpcPort) {
        ClusterSettings settings = new ClusterSettings();
        settings.set("jobmanager.rpc.address", host);
        settings.set("jobmanager.rpc.port", rpcPort);
        settings.set("rest.address", host);
        settings.set("heartbeat.interval", 1000);
        settings.set("heartbeat.timeout", 6000);
        return settings;
    }

    /** Adds what a JobManager needs. The dashboard takes no jars: every web page that is open could send it code. */
    ClusterSettings jobManager(int restPort) {
        String host = values.get("jobmanager.rpc.address");
        set("jobmanager.bind-host", host);
        set("rest.bind-address", host);
        set("rest.port", restPort);
        set("rest.bind-port", restPort);
        set("jobmanager.memory.process.size", "1024m");
        // Somebody starts a lost TaskManager again: wait for its slots, for slot.request.timeout, in place of failing,
        // and restarting, again and again until it is there. Flink waits so only for a time after its own start.
        set("resourcemanager.standalone.start-up-time", Duration.ofDays(100).toMillis());
        set("web.submit.enable", false);
        set("web.refresh-interval", 500);
        return this;
    }

    /** Adds what a TaskManager needs; all sizes are explicit, because no start script works them out. */
    ClusterSettings taskManager(String host, int slots, TaskManagerMemory memory) {
        set("taskmanager.host", host);
        set("taskmanager.bind-host", host);
        set("taskmanager.numberOfTaskSlots", slots);
        set("taskmanager.cpu.cores", (double) slots);
        set("taskmanager.memory.framework.heap.size", TaskManagerMemory.FRAMEWORK_HEAP);
        set("taskmanager.memory.framework.off-heap.size", TaskManagerMemory.FRAMEWORK_OFF_HEAP);
        set("taskmanager.memory.task.heap.size", memory.taskHeap());
        set("taskmanager.memory.task.off-heap.size", memory.taskOffHeap());
        set("taskmanager.memory.segment-size", TaskManagerMemory.SEGMENT);
        set("taskmanager.memory.network.min", TaskManagerMemory.network(slots));
        set("taskmanager.memory.network.max", TaskManagerMemory.network(slots));
        set("taskmanager.memory.managed.size", memory.managed(slots));
        set("taskmanager.memory.jvm-metaspace.size", TaskManagerMemory.METASPACE);
        set("taskmanager.memory.jvm-overhead.min", TaskManagerMemory.OVERHEAD);
        set("taskmanager.memory.jvm-overhead.max", TaskManagerMemory.OVERHEAD);
        return this;
    }

    /**
     * Lets a JobManager take over from one that died. It does so when ZooKeeper has missed the dead one for the session
     * timeout, which also is how long a JobManager may be stuck and keep its place.
     *
     * @param zooKeeper {@code host:port}
     * @param storage directory, common to all, of what is too large for ZooKeeper
     */
    ClusterSettings highlyAvailable(String zooKeeper, Path storage) {
        set("high-availability.type", "zookeeper");
        set("high-availability.zookeeper.quorum", zooKeeper);
        set("high-availability.storageDir", storage.toUri());
        set("high-availability.cluster-id", "kronstream");
        set("high-availability.zookeeper.client.session-timeout", "6 s");
        set("high-availability.zookeeper.client.tolerate-suspended-connections", true);
        return this;
    }

    /** Lets Prometheus ask this process for its metrics. Flink's reporter listens on all addresses of the machine. */
    ClusterSettings prometheus(int port) {
        set("metrics.reporters", "prometheus");
        set(
                "metrics.reporter.prometheus.factory.class",
                "org.apache.flink.metrics.prometheus.PrometheusReporterFactory");
        set("metrics.reporter.prometheus.port", port);
        return this;
    }

    ClusterSettings resourceId(String id) {
        set("taskmanager.resource-id", id);
        return this;
    }

    ClusterSettings temporaryFiles(Path dir) {
        set("io.tmp.dirs", dir.toString());
        return this;
    }

    Configuration configuration() {
        return Configuration.fromMap(values);
    }

    /** Writes {@value #FILE} into a directory, which it creates and returns. */
    Path writeInto(Path dir) throws IOException {
        Files.createDirectories(dir);
        new YAMLMapper().writeValue(dir.resolve(FILE).toFile(), values);
        return dir;
    }

    private void set(String key, Object value) {
        values.put(key, String.valueOf(value));
    }

    private void set(String key, MebiBytes value) {
        values.put(key, value.count() + "m");
    }

    /** A size in MiB. */
    record MebiBytes(long count) {
        static MebiBytes ofBytes(long bytes) {
            return new MebiBytes(bytes / MEBIBYTE);
        }
    }

    /**
     * Memory of a TaskManager.
     *
     * @param taskHeap for learners' headers, batches and caches
     * @param taskOffHeap for ND4J's and OpenBLAS's tensors
     */
    record TaskManagerMemory(MebiBytes taskHeap, MebiBytes taskOffHeap) {
        static final MebiBytes FRAMEWORK_HEAP = new MebiBytes(128);
        static final MebiBytes FRAMEWORK_OFF_HEAP = new MebiBytes(128);
        /** Ten may wait for a receiver: with Flink's 32 KiB its sender waits in the middle of a refresh's request. */
        static final String SEGMENT = "128kb";

        static final MebiBytes METASPACE = new MebiBytes(256);
        static final MebiBytes OVERHEAD = new MebiBytes(192);
        static final TaskManagerMemory DEFAULT = new TaskManagerMemory(new MebiBytes(896), new MebiBytes(1024));
        /** For several on one machine. */
        static final TaskManagerMemory SMALL = new TaskManagerMemory(new MebiBytes(384), new MebiBytes(512));

        private static final MebiBytes MANAGED_PER_SLOT = new MebiBytes(64);
        private static final MebiBytes MIN_MANAGED = new MebiBytes(128);
        private static final MebiBytes NETWORK_PER_SLOT = new MebiBytes(32);
        private static final MebiBytes MIN_NETWORK = new MebiBytes(64);

        /** What a JVM of the present size leaves for tasks. */
        static TaskManagerMemory ofThisJvm() {
            long heap = MebiBytes.ofBytes(Runtime.getRuntime().maxMemory()).count() - FRAMEWORK_HEAP.count();
            return new TaskManagerMemory(new MebiBytes(Math.max(64, heap)), DEFAULT.taskOffHeap());
        }

        /** What a process of so many MiB leaves for tasks: half of it on the heap, half outside. */
        static TaskManagerMemory ofProcess(long mebibytes, int slots) {
            long rest = mebibytes
                    - FRAMEWORK_HEAP.count()
                    - FRAMEWORK_OFF_HEAP.count()
                    - network(slots).count()
                    - METASPACE.count()
                    - OVERHEAD.count()
                    - DEFAULT.managed(slots).count();
            if (rest < 256) {
                throw new IllegalArgumentException(
                        "A TaskManager needs at least " + (mebibytes - rest + 256) + " MiB, was " + mebibytes);
            }
            return new TaskManagerMemory(new MebiBytes(rest / 2), new MebiBytes(rest - rest / 2));
        }

        /** For RocksDB. */
        MebiBytes managed(int slots) {
            return new MebiBytes(Math.max(MIN_MANAGED.count(), slots * MANAGED_PER_SLOT.count()));
        }

        /** For what subtasks send each other: each pair of them needs a few segments. */
        static MebiBytes network(int slots) {
            return new MebiBytes(Math.max(MIN_NETWORK.count(), slots * NETWORK_PER_SLOT.count()));
        }

        /** {@code -Xmx} of its JVM. */
        MebiBytes heap() {
            return new MebiBytes(FRAMEWORK_HEAP.count() + taskHeap.count());
        }

        /** {@code -XX:MaxDirectMemorySize} of its JVM. */
        MebiBytes direct(int slots) {
            return new MebiBytes(FRAMEWORK_OFF_HEAP.count()
                    + taskOffHeap.count()
                    + network(slots).count());
        }
    }
}
