// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.ProcessFlinkCluster;
import java.io.IOException;
import java.io.PrintWriter;

/**
 * Kills the TaskManager once, as {@code kill -9} does, and starts another: when a quarter of the stream has been learned
 * and a checkpoint has completed after that. The feeder holds the second half of the stream back until then, so the crash
 * lies in the middle however fast the job is.
 */
final class Crash {
    private static final long ENDLESS_QUARTER = 20_000;
    /** Looks without a new score after which a stream that is held counts as far enough. */
    private static final int STALLED_LOOKS = 15;

    private final ProcessFlinkCluster cluster;
    private final FlinkRest rest;
    private final String job;
    private final Feeder feeder;
    private final PrintWriter out;
    private final long quarter;

    private long lastScored = -1;
    private int stalledLooks;
    private long checkpointsBefore = -1;
    private boolean done;

    /** @param rows length of the stream, or {@link Long#MAX_VALUE} */
    Crash(ProcessFlinkCluster cluster, String job, Feeder feeder, long rows, PrintWriter out) {
        this.cluster = cluster;
        this.rest = new FlinkRest(cluster.restAddress());
        this.job = job;
        this.feeder = feeder;
        this.quarter = rows == Long.MAX_VALUE ? ENDLESS_QUARTER : rows / 4;
        this.out = out;
    }

    /** Rows after which the feeder is to hold. */
    static long holdBefore(long rows) {
        return rows == Long.MAX_VALUE ? 4 * ENDLESS_QUARTER : rows / 2;
    }

    boolean done() {
        return done;
    }

    /** Crashes if it is time to. */
    void look(long scored) throws IOException {
        if (done) {
            return;
        }
        stalledLooks = scored > lastScored ? 0 : stalledLooks + 1;
        lastScored = scored;
        boolean farEnough = scored >= quarter || feeder.holding() && stalledLooks >= STALLED_LOOKS;
        if (!farEnough) {
            return;
        }
        long completed;
        try {
            completed = rest.checkpoints(job).completed();
        } catch (IOException e) {
            return; // a busy cluster: there will be another look
        }
        if (checkpointsBefore < 0) {
            checkpointsBefore = completed;
        } else if (completed > checkpointsBefore) {
            int last = cluster.taskManagersStarted() - 1;
            out.printf("kill -9 %d: the TaskManager dies at %,d examples%n", cluster.taskManagerPid(last), scored);
            out.flush();
            cluster.killTaskManager(last);
            feeder.release();
            int next = cluster.startTaskManager();
            out.printf("another TaskManager runs as process %d%n", cluster.taskManagerPid(next));
            out.flush();
            done = true;
        }
    }
}
