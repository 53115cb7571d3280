// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import io.kronstream.jobs.embedded.ClusterSettings.TaskManagerMemory;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A JobManager and TaskManagers as processes of their own, so that one of them can be killed. They run this JVM's Java
 * and class path, so that jobs need no upload, and write their configuration, logs and temporary files into one
 * directory. They end with {@link #close()}, and with this JVM whatever ends it.
 *
 * <p>TaskManagers are numbered from 0 in the order in which they were started, dead ones included. Not thread-safe.
 */
public final class ProcessFlinkCluster implements FlinkCluster {
    private static final TaskManagerMemory MEMORY = TaskManagerMemory.DEFAULT;
    private static final int JOB_MANAGER_HEAP_MEBIBYTES = 768;

    private final Path dir;
    private final int slots;
    private final int rpcPort;
    private final URI restAddress;
    private final FlinkRest rest;
    private final List<ChildJvm> taskManagers = new ArrayList<>();
    private ChildJvm jobManager;

    private ProcessFlinkCluster(Path dir, int slots, int rpcPort, int restPort) {
        this.dir = dir;
        this.slots = slots;
        this.rpcPort = rpcPort;
        this.restAddress = URI.create("http://%s:%d".formatted(Ports.LOOPBACK, restPort));
        this.rest = new FlinkRest(restAddress);
    }

    /**
     * Starts a cluster and returns when all its TaskManagers are registered.
     *
     * @param dir directory for its files; created if it is missing
     * @param taskManagers TaskManagers to start with
     * @param slots task slots of each
     * @param uiPort port of the REST endpoint and dashboard; 0 or -1 for a free one
     * @throws IOException with one sentence if the port is in use or a process does not start
     */
    public static ProcessFlinkCluster start(Path dir, int taskManagers, int slots, int uiPort) throws IOException {
        int restPort = Ports.choose("The Flink web UI", Ports.LOOPBACK, Math.max(0, uiPort));
        ProcessFlinkCluster cluster =
                new ProcessFlinkCluster(dir.toAbsolutePath(), slots, Ports.free(Ports.LOOPBACK), restPort);
        try {
            cluster.startJobManager();
            List<Integer> started = new ArrayList<>();
            for (int i = 0; i < taskManagers; i++) {
                started.add(cluster.launchTaskManager(Map.of()));
            }
            for (int index : started) {
                cluster.awaitRegistered(index);
            }
            return cluster;
        } catch (IOException | RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    @Override
    public URI restAddress() {
        return restAddress;
    }

    /** Starts one more TaskManager and returns its number when it is registered. */
    public int startTaskManager() throws IOException {
        return startTaskManager(Map.of());
    }

    /** As {@link #startTaskManager()}, with environment variables in place of this JVM's own. */
    public int startTaskManager(Map<String, String> environment) throws IOException {
        int index = launchTaskManager(environment);
        awaitRegistered(index);
        return index;
    }

    /** Kills a TaskManager as {@code kill -9} does, and waits until its process is gone. */
    public void killTaskManager(int index) throws IOException {
        taskManagers.get(index).kill();
    }

    public long jobManagerPid() {
        return jobManager.pid();
    }

    public long taskManagerPid(int index) {
        return taskManagers.get(index).pid();
    }

    /** The TaskManager's id in the cluster's REST interface: see {@link FlinkRest#taskManagerOf}. */
    public String taskManagerId(int index) {
        return "taskmanager-" + index;
    }

    /** TaskManagers started so far, dead ones included. */
    public int taskManagersStarted() {
        return taskManagers.size();
    }

    @Override
    public void close() {
        // TaskManagers first: they would otherwise look for a new JobManager while they end.
        taskManagers.forEach(ChildJvm::close);
        if (jobManager != null) {
            jobManager.close();
        }
    }

    private void startJobManager() throws IOException {
        Path conf = settings().jobManager(restAddress.getPort()).writeInto(dir.resolve("jobmanager"));
        jobManager = ChildJvm.start(
                dir,
                "jobmanager",
                List.of("-Xmx" + JOB_MANAGER_HEAP_MEBIBYTES + "m"),
                ClusterProcess.class,
                List.of(ClusterProcess.JOB_MANAGER, conf.toString()),
                Map.of());
        Await.until("the JobManager answers", () -> rest.slots() >= 0, jobManager::requireAlive);
    }

    private int launchTaskManager(Map<String, String> environment) throws IOException {
        int index = taskManagers.size();
        String id = taskManagerId(index);
        Path conf = settings()
                .taskManager(Ports.LOOPBACK, slots, MEMORY)
                .resourceId(id)
                .writeInto(dir.resolve(id));
        taskManagers.add(ChildJvm.start(
                dir,
                id,
                List.of(
                        "-Xmx" + MEMORY.heap().count() + "m",
                        "-XX:MaxDirectMemorySize=" + MEMORY.direct().count() + "m",
                        "-Dorg.bytedeco.javacpp.maxbytes="
                                + MEMORY.taskOffHeap().count() + "m",
                        "-Dorg.bytedeco.javacpp.maxphysicalbytes=0"),
                ClusterProcess.class,
                List.of(ClusterProcess.TASK_MANAGER, conf.toString()),
                environment));
        return index;
    }

    private void awaitRegistered(int index) throws IOException {
        String id = taskManagerId(index);
        Await.until(
                id + " is registered", () -> rest.taskManagers().contains(id), taskManagers.get(index)::requireAlive);
    }

    private ClusterSettings settings() throws IOException {
        Path temporary = Files.createDirectories(dir.resolve("tmp"));
        return ClusterSettings.common(Ports.LOOPBACK, rpcPort).temporaryFiles(temporary);
    }
}
