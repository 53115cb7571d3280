// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.entrypoint.ClusterEntrypointException;
import org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;
import org.apache.flink.runtime.util.JvmShutdownSafeguard;
import org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A JVM that is one process of a cluster, or the broker beside it, and nothing else. */
final class ClusterProcess {
    static final String JOB_MANAGER = "jobmanager";
    static final String TASK_MANAGER = "taskmanager";
    static final String ZOO_KEEPER = "zookeeper";
    static final String BROKER = "broker";

    private static final Logger LOG = LoggerFactory.getLogger(ClusterProcess.class);
    private static final int FAILED = 1;

    private ClusterProcess() {}

    /**
     * Arguments: process id to follow into death, role, and of a Flink process the directory of {@value
     * ClusterSettings#FILE}, of ZooKeeper its configuration file, of a broker its directory and port.
     */
    public static void main(String[] arguments) throws Exception {
        List<String> list = List.of(arguments);
        follow(Long.parseLong(list.get(0)));
        switch (list.get(1)) {
            case JOB_MANAGER -> {
                runJobManager(GlobalConfiguration.loadConfiguration(list.get(2)), () -> {});
                System.exit(0);
            }
            case TASK_MANAGER -> runTaskManager(GlobalConfiguration.loadConfiguration(list.get(2)));
            case ZOO_KEEPER -> FlinkZooKeeperQuorumPeer.runFlinkZkQuorumPeer(list.get(2), 1);
            case BROKER -> runBroker(Path.of(list.get(2)), Integer.parseInt(list.get(3)));
            default -> throw new IllegalArgumentException("Unknown role " + list.get(1));
        }
    }

    /**
     * Runs a JobManager until the process is asked to end.
     *
     * @param started called once, when it answers
     */
    static void runJobManager(Configuration configuration, Runnable started)
            throws ClusterEntrypointException, InterruptedException, ExecutionException {
        JvmShutdownSafeguard.installAsShutdownHook(LOG);
        StandaloneSessionClusterEntrypoint entrypoint = new StandaloneSessionClusterEntrypoint(configuration);
        entrypoint.startCluster();
        started.run();
        entrypoint.getTerminationFuture().get();
    }

    /** Runs a TaskManager until the process is asked to end; exits the JVM. */
    static void runTaskManager(Configuration configuration) {
        JvmShutdownSafeguard.installAsShutdownHook(LOG);
        TaskManagerRunner.runTaskManagerProcessSecurely(configuration);
    }

    private static void runBroker(Path dir, int port) throws IOException, InterruptedException {
        EmbeddedBroker broker = EmbeddedBroker.start(dir, port);
        Runtime.getRuntime().addShutdownHook(new Thread(broker::close, "broker-close"));
        new CountDownLatch(1).await();
    }

    /** Halts this JVM when another process is gone, or was gone before. */
    private static void follow(long parent) {
        ProcessHandle.of(parent)
                .ifPresentOrElse(
                        handle -> handle.onExit()
                                .thenRun(() -> Runtime.getRuntime().halt(FAILED)),
                        () -> Runtime.getRuntime().halt(FAILED));
    }
}
