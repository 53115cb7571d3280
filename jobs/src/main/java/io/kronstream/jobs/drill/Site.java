// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.connectors.KafkaSettings;
import io.kronstream.jobs.embedded.BrokerProcess;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.ProcessFlinkCluster;
import io.kronstream.learner.SplitMix64;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The processes of a drill: a broker, a JobManager with its ZooKeeper, TaskManagers. */
final class Site implements AutoCloseable {
    private static final int FIRST = 0;
    private static final int MAX_ENDED = 10;

    private final BrokerProcess broker;
    private final ProcessFlinkCluster cluster;
    private final SplitMix64 random;
    private final boolean keepFirst;
    private final Duration brokerDown;
    private int endedThemselves;
    private boolean brokerAway;
    private long brokerKilledNanos;

    private Site(BrokerProcess broker, ProcessFlinkCluster cluster, long seed, boolean keepFirst, Duration brokerDown) {
        this.broker = broker;
        this.cluster = cluster;
        this.random = new SplitMix64(seed, "victims");
        this.keepFirst = keepFirst;
        this.brokerDown = brokerDown;
    }

    /**
     * Starts everything and returns when it can be used.
     *
     * @param brokerData directory of the broker's data
     * @param dir directory of everything else
     * @param slots of each TaskManager
     * @param seed for the choice between TaskManagers
     * @param keepFirst whether the first TaskManager is never killed
     * @param brokerDown how long a broker that was killed stays away
     */
    static Site start(
            Path brokerData, Path dir, int taskManagers, int slots, long seed, boolean keepFirst, Duration brokerDown)
            throws IOException {
        BrokerProcess broker = BrokerProcess.start(dir, brokerData);
        try {
            return new Site(
                    broker,
                    ProcessFlinkCluster.startHighlyAvailable(dir, taskManagers, slots),
                    seed,
                    keepFirst,
                    brokerDown);
        } catch (IOException | RuntimeException e) {
            broker.close();
            throw e;
        }
    }

    KafkaSettings kafka() {
        return KafkaSettings.of(broker.bootstrap());
    }

    URI address() {
        return cluster.restAddress();
    }

    FlinkRest rest() {
        return new FlinkRest(cluster.restAddress());
    }

    /** Process id of the first TaskManager. */
    long firstTaskManagerPid() {
        return cluster.taskManagerPid(FIRST);
    }

    /** The first TaskManager's id in the cluster's REST interface. */
    String firstTaskManagerId() {
        return cluster.taskManagerId(FIRST);
    }

    /**
     * Kills one as {@code kill -9} does and starts it again at once, without waiting until it is ready; a broker when it
     * has been away for as long as it shall be and {@link #supervise()} is called.
     *
     * @return the id of the process that died, or had died already
     */
    long crash(Victim victim) throws IOException {
        switch (victim) {
            case TASK_MANAGER -> {
                List<Integer> live = new ArrayList<>(cluster.liveTaskManagers());
                if (keepFirst) {
                    live.remove(Integer.valueOf(FIRST));
                }
                int index = live.get(random.nextInt(live.size()));
                long pid = cluster.taskManagerPid(index);
                cluster.killTaskManager(index);
                cluster.launchTaskManager();
                return pid;
            }
            case JOB_MANAGER -> {
                long pid = cluster.jobManagerPid();
                cluster.killJobManager();
                cluster.launchJobManager();
                return pid;
            }
            case BROKER -> {
                long pid = broker.pid();
                broker.kill();
                brokerAway = true;
                brokerKilledNanos = System.nanoTime();
                returnBroker();
                return pid;
            }
            default -> throw new IllegalArgumentException(victim.toString());
        }
    }

    private void returnBroker() throws IOException {
        if (brokerAway && System.nanoTime() - brokerKilledNanos >= brokerDown.toNanos()) {
            broker.launch();
            brokerAway = false;
        }
    }

    /** Whether the broker was killed and is not to be started again yet. */
    boolean brokerAway() {
        return brokerAway;
    }

    /**
     * Starts again what has ended without having been killed, and a broker that has been away for long enough.
     *
     * @return of each process that has ended without having been killed since the last call how it ended
     * @throws IOException if it is the broker or ZooKeeper, or there are too many
     */
    List<String> supervise() throws IOException {
        returnBroker();
        if (!brokerAway) {
            broker.requireAlive();
        }
        List<String> ended = cluster.replaceEnded();
        endedThemselves += ended.size();
        if (endedThemselves > MAX_ENDED) {
            throw new IOException("Processes of the cluster have ended by themselves %d times; the logs of this machine"
                            .formatted(endedThemselves)
                    + " may say why, it may be too busy.");
        }
        return ended;
    }

    /** JobManagers started so far; one more than before means that another took over. */
    int jobManagersStarted() {
        return cluster.jobManagersStarted();
    }

    @Override
    public void close() {
        cluster.close();
        broker.close();
    }
}
