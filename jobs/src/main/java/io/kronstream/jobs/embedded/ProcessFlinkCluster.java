// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import io.kronstream.jobs.embedded.ClusterSettings.TaskManagerMemory;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A Flink session cluster of child processes, which can be killed. Each has the class path of this JVM, so jobs need no
 * jars, and its BLAS settings; their configuration, output and logs are in one directory. They end with {@link #close()},
 * and with this JVM whatever ends it.
 *
 * <p>TaskManagers are numbered from 0 in the order in which they were started, dead ones included. With high
 * availability the JobManager keeps what it knows of jobs in a ZooKeeper server, one more process, so that another
 * JobManager goes on with them. Not thread-safe.
 */
public final class ProcessFlinkCluster implements FlinkCluster {
    private static final int JOB_MANAGER_HEAP_MEBIBYTES = 768;
    private static final int SMALL_JOB_MANAGER_HEAP_MEBIBYTES = 384;
    private static final int ZOO_KEEPER_HEAP_MEBIBYTES = 64;
    private static final int ZOO_KEEPER_TICK_MILLIS = 500;

    private final Path dir;
    private final int slots;
    private final TaskManagerMemory memory;
    private final int jobManagerHeap;
    private final int rpcPort;
    private final URI restAddress;
    private final FlinkRest rest;
    private final List<ChildJvm> taskManagers = new ArrayList<>();
    private String zooKeeperAddress;
    private ChildJvm zooKeeper;
    private ChildJvm jobManager;
    private int jobManagersStarted;

    private ProcessFlinkCluster(
            Path dir, int slots, TaskManagerMemory memory, int jobManagerHeap, int rpcPort, int restPort) {
        this.dir = dir;
        this.slots = slots;
        this.memory = memory;
        this.jobManagerHeap = jobManagerHeap;
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
        return new ProcessFlinkCluster(
                        dir.toAbsolutePath(),
                        slots,
                        TaskManagerMemory.DEFAULT,
                        JOB_MANAGER_HEAP_MEBIBYTES,
                        Ports.free(Ports.LOOPBACK),
                        restPort)
                .start(taskManagers);
    }

    /**
     * Starts a cluster of one TaskManager with one slot and so much memory in all: heap, native memory, metaspace, RocksDB
     * and network.
     *
     * @param mebibytes of the TaskManager's process
     */
    public static ProcessFlinkCluster startOne(Path dir, int mebibytes) throws IOException {
        return new ProcessFlinkCluster(
                        dir.toAbsolutePath(),
                        1,
                        TaskManagerMemory.ofProcess(mebibytes, 1),
                        JOB_MANAGER_HEAP_MEBIBYTES,
                        Ports.free(Ports.LOOPBACK),
                        Ports.choose("The Flink web UI", Ports.LOOPBACK, 0))
                .start(1);
    }

    /**
     * As {@link #start}, with high availability, with processes that need less memory, and on ports that stay free while
     * a process is dead.
     */
    public static ProcessFlinkCluster startHighlyAvailable(Path dir, int taskManagers, int slots) throws IOException {
        ProcessFlinkCluster cluster = new ProcessFlinkCluster(
                dir.toAbsolutePath(),
                slots,
                TaskManagerMemory.SMALL,
                SMALL_JOB_MANAGER_HEAP_MEBIBYTES,
                0,
                Ports.lasting(Ports.LOOPBACK));
        cluster.startZooKeeper(Ports.lasting(Ports.LOOPBACK));
        return cluster.start(taskManagers);
    }

    private ProcessFlinkCluster start(int count) throws IOException {
        try {
            launchJobManager();
            Await.until("the JobManager answers", () -> rest.slots() >= 0, jobManager::requireAlive);
            List<Integer> started = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                started.add(launchTaskManager());
            }
            for (int index : started) {
                awaitRegistered(index);
            }
            return this;
        } catch (IOException | RuntimeException e) {
            close();
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

    /** Starts one more TaskManager and returns its number at once. */
    public int launchTaskManager() throws IOException {
        return launchTaskManager(Map.of());
    }

    /** Kills a TaskManager as {@code kill -9} does, and waits until its process is gone. */
    public void killTaskManager(int index) throws IOException {
        taskManagers.get(index).kill();
    }

    /** Kills the JobManager as {@code kill -9} does, and waits until its process is gone. */
    public void killJobManager() throws IOException {
        jobManager.kill();
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

    /** JobManagers started so far, dead ones included. */
    public int jobManagersStarted() {
        return jobManagersStarted;
    }

    /** TaskManagers started so far, dead ones included. */
    public int taskManagersStarted() {
        return taskManagers.size();
    }

    /** Numbers of the TaskManagers whose processes live. */
    public List<Integer> liveTaskManagers() {
        List<Integer> live = new ArrayList<>();
        for (int index = 0; index < taskManagers.size(); index++) {
            if (taskManagers.get(index).isAlive()) {
                live.add(index);
            }
        }
        return live;
    }

    /**
     * Starts again what has ended without having been killed, as whoever runs a cluster does: Flink's processes end
     * themselves when they meet what they cannot go on with.
     *
     * @return of each process that has ended so since the last call how it ended
     * @throws IOException if it is ZooKeeper, on which all depends
     */
    public List<String> replaceEnded() throws IOException {
        if (zooKeeper != null) {
            zooKeeper.requireAlive();
        }
        List<String> ended = new ArrayList<>();
        if (!jobManager.isAlive() && !jobManager.killed()) {
            ended.add(jobManager.end());
            launchJobManager();
        }
        for (ChildJvm taskManager : List.copyOf(taskManagers)) {
            if (!taskManager.isAlive() && !taskManager.killed()) {
                ended.add(taskManager.end());
                taskManager.kill();
                launchTaskManager();
            }
        }
        return ended;
    }

    @Override
    public void close() {
        // TaskManagers first: they would otherwise look for a new JobManager while they end.
        taskManagers.forEach(ChildJvm::terminate);
        taskManagers.forEach(ChildJvm::close);
        if (jobManager != null) {
            jobManager.close();
        }
        if (zooKeeper != null) {
            zooKeeper.close();
        }
    }

    /** Starts a JobManager, after the last one was killed; does not wait until it answers. */
    public void launchJobManager() throws IOException {
        String name = "jobmanager-" + jobManagersStarted++;
        Path conf = settings().jobManager(restAddress.getPort()).writeInto(dir.resolve(name));
        jobManager = ChildJvm.start(
                dir,
                name,
                List.of("-Xmx" + jobManagerHeap + "m"),
                ClusterProcess.class,
                List.of(ClusterProcess.JOB_MANAGER, conf.toString()),
                Map.of());
    }

    /** The server that comes with Flink. */
    private void startZooKeeper(int port) throws IOException {
        zooKeeperAddress = Ports.LOOPBACK + ":" + port;
        Path data = Files.createDirectories(dir.resolve("zookeeper"));
        Path file = Files.writeString(
                data.resolve("zoo.cfg"),
                """
                dataDir=%s
                clientPort=%d
                clientPortAddress=%s
                tickTime=%d
                admin.enableServer=false
                """
                        .formatted(data, port, Ports.LOOPBACK, ZOO_KEEPER_TICK_MILLIS),
                StandardCharsets.UTF_8);
        zooKeeper = ChildJvm.start(
                dir,
                "zookeeper",
                List.of("-Xmx" + ZOO_KEEPER_HEAP_MEBIBYTES + "m"),
                ClusterProcess.class,
                List.of(ClusterProcess.ZOO_KEEPER, file.toString()),
                Map.of());
    }

    private int launchTaskManager(Map<String, String> environment) throws IOException {
        int index = taskManagers.size();
        String id = taskManagerId(index);
        Path conf = settings()
                .taskManager(Ports.LOOPBACK, slots, memory)
                .resourceId(id)
                .writeInto(dir.resolve(id));
        taskManagers.add(ChildJvm.start(
                dir,
                id,
                List.of(
                        "-Xms" + memory.heap().count() + "m", // all from the start, as Flink's own scripts have it
                        "-Xmx" + memory.heap().count() + "m",
                        "-XX:+UseParallelGC", // as the launcher's, and the next two
                        "-XX:Tier4InvocationThreshold=50000",
                        "-XX:Tier4CompileThreshold=60000",
                        "-XX:MaxDirectMemorySize=" + memory.direct(slots).count() + "m",
                        "-Dorg.bytedeco.javacpp.maxbytes="
                                + memory.taskOffHeap().count() + "m",
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
        ClusterSettings settings =
                ClusterSettings.common(Ports.LOOPBACK, rpcPort).temporaryFiles(temporary);
        return zooKeeperAddress == null
                ? settings
                : settings.highlyAvailable(zooKeeperAddress, dir.resolve("high-availability"));
    }
}
