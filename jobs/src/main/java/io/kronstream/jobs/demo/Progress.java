// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import io.kronstream.jobs.Metric;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.observer.JobObserver;
import io.kronstream.learner.Task;
import io.kronstream.operators.TrainCounters;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Prints, about once a second, how far a run is. */
public final class Progress {
    private static final long EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(950);

    private final PrintWriter out;
    private final FlinkRest rest;
    private final String job;
    private final Metric metric;
    private final Task task;

    private long lastNanos;
    private long lastExamples;
    private String lastFailure = "";
    private String refreshes = "0";

    public Progress(PrintWriter out, FlinkRest rest, String job, Metric metric, Task task) {
        this.out = out;
        this.rest = rest;
        this.job = job;
        this.metric = metric;
        this.task = task;
        this.lastNanos = System.nanoTime();
    }

    /** Prints a line if the last one is a second old. */
    public void show(JobObserver.Glance glance) {
        long now = System.nanoTime();
        if (now - lastNanos < EVERY_NANOS) {
            return;
        }
        double rate = (glance.examples() - lastExamples) * 1e9 / (now - lastNanos);
        lastNanos = now;
        lastExamples = glance.examples();
        String checkpoints = "?";
        try {
            String failure = rest.lastFailure(job).orElse("");
            if (!failure.equals(lastFailure)) {
                lastFailure = failure;
                out.printf("the job was interrupted and starts again: %s%n", failure);
            }
            checkpoints = Long.toString(rest.checkpoints(job).completed());
            Map<String, String> counters = rest.accumulators(job);
            if (counters.containsKey(TrainCounters.REFRESHES_REMOTE)) {
                refreshes = Long.toString(Long.parseLong(counters.get(TrainCounters.REFRESHES_REMOTE))
                        + Long.parseLong(counters.getOrDefault(TrainCounters.REFRESHES_INLINE, "0")));
            }
        } catch (IOException e) {
            // The line is printed without what the cluster does not tell at this moment.
        }
        if (glance.examples() == 0) {
            out.printf(Locale.ROOT, "%11s no example is learned yet, %,d are rejected%n", "", glance.rejected());
            out.flush();
            return;
        }
        out.printf(
                Locale.ROOT,
                "%,11d examples %,8.0f/s  %s %.4f (%s %.4f)  refreshes %s  checkpoints %s  version %d%s%n",
                glance.examples(),
                rate,
                metric.title(),
                glance.metric(),
                glance.naive().title(task),
                glance.baseline(),
                refreshes,
                checkpoints,
                glance.newestVersion(),
                glance.models() > 1 ? " of " + glance.models() + " models" : "");
        out.flush();
    }
}
