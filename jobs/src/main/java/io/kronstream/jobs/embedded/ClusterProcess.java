// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.entrypoint.ClusterEntrypointException;
import org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;
import org.apache.flink.runtime.util.JvmShutdownSafeguard;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A JVM that is a JobManager or a TaskManager and nothing else. */
final class ClusterProcess {
    static final String JOB_MANAGER = "jobmanager";
    static final String TASK_MANAGER = "taskmanager";

    private static final Logger LOG = LoggerFactory.getLogger(ClusterProcess.class);
    private static final int FAILED = 1;

    private ClusterProcess() {}

    /** Arguments: process id to follow into death, role, directory of {@value ClusterSettings#FILE}. */
    public static void main(String[] arguments) throws Exception {
        List<String> list = List.of(arguments);
        follow(Long.parseLong(list.get(0)));
        Configuration configuration = GlobalConfiguration.loadConfiguration(list.get(2));
        switch (list.get(1)) {
            case JOB_MANAGER -> {
                runJobManager(configuration, () -> {});
                System.exit(0);
            }
            case TASK_MANAGER -> runTaskManager(configuration);
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

    /** Halts this JVM when another process is gone, or was gone before. */
    private static void follow(long parent) {
        ProcessHandle.of(parent)
                .ifPresentOrElse(
                        handle -> handle.onExit()
                                .thenRun(() -> Runtime.getRuntime().halt(FAILED)),
                        () -> Runtime.getRuntime().halt(FAILED));
    }
}
