// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.RunningJob;
import io.kronstream.jobs.demo.Feeder;
import io.kronstream.jobs.demo.Progress;
import io.kronstream.jobs.drill.KillPlan.Kill;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.observer.JobObserver;
import io.kronstream.operators.TrainCounters;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Runs the job once over the whole stream, with or without kills. The job itself is endless, as in production; when its
 * checkpoints have come to the end of the stream it is stopped with a savepoint, which lets it learn what it still holds.
 */
final class DrillRun {
    /** Rows that wait in Kafka: enough that the job never starves, few enough that they come while things break. */
    private static final long MAX_AHEAD = 20_000;

    private static final Duration LOOK = Duration.ofMillis(100);

    /**
     * What a run came to; what it has left is on Kafka.
     *
     * @param seconds from its submission to its end
     * @param late refreshes that a model had to wait for, since the last restore
     * @param discarded answers that nobody wanted, since the last restore
     */
    record Result(JobSettings job, double seconds, List<Crash> crashes, long restores, long late, long discarded) {}

    private final DrillSettings settings;
    private final Site site;
    private final JobSettings job;
    private final long since;
    private final PrintWriter out;
    private final BooleanSupplier stopped;

    /**
     * @param since timestamp of the first record; the same for runs that are to be compared
     * @param stopped whether to give up
     */
    DrillRun(DrillSettings settings, Site site, JobSettings job, long since, PrintWriter out, BooleanSupplier stopped) {
        this.settings = settings;
        this.site = site;
        this.job = job;
        this.since = since;
        this.out = out;
        this.stopped = stopped;
    }

    /**
     * @throws JobFailure if the job failed, or the run was stopped
     * @throws IOException if a process ended that was not killed
     */
    Result run(List<Kill> plan) throws IOException, InterruptedException, JobFailure {
        DrillTopics.create(job, settings.partitions());
        long hold = plan.isEmpty() ? Long.MAX_VALUE : (long) (KillPlan.HOLD * settings.examples());
        try (JobObserver observer = new JobObserver(job, settings.dataset().metric(), false);
                Feeder feeder = new Feeder(job, settings.rows(), hold, MAX_AHEAD)) {
            long start = System.nanoTime();
            RunningJob running = RunningJob.submit(site.address(), job, null, List.of());
            feeder.timesFrom(since);
            feeder.start();
            Crashes crashes = new Crashes(site, running.id(), feeder, plan, out);
            try {
                watch(running, feeder, observer, crashes);
            } finally {
                running.cancel();
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            Map<String, String> counters = site.rest().accumulators(running.id());
            return new Result(
                    job,
                    seconds,
                    crashes.crashes(),
                    crashes.restores(),
                    counter(counters, TrainCounters.REFRESHES_LATE),
                    counter(counters, TrainCounters.REFRESHES_DISCARDED));
        }
    }

    private void watch(RunningJob running, Feeder feeder, JobObserver observer, Crashes crashes)
            throws IOException, InterruptedException, JobFailure {
        String id = running.id();
        FlinkRest rest = site.rest();
        Progress progress = new Progress(
                out,
                rest,
                id,
                settings.dataset().metric(),
                job.learner().schema().task());
        while (!feeder.finished() || !crashes.done() || !allTrained() || !allRunning(rest, id)) {
            if (stopped.getAsBoolean()) {
                throw new InterruptedException();
            }
            site.supervise().forEach(end -> out.println("not killed: " + end + "; another starts"));
            requireGoing(rest, id);
            feeder.check();
            JobObserver.Glance glance = observer.glance();
            long examples = glance.examples() + glance.rejected();
            feeder.learned(examples);
            crashes.look(examples);
            if (crashes.done()) {
                feeder.release();
            }
            progress.show(glance);
            LockSupport.parkNanos(LOOK.toNanos());
        }
        running.stop(job.checkpoints().directory(), true);
    }

    /** Whether it can be stopped, and is not just recovering once more. */
    private static boolean allRunning(FlinkRest rest, String id) {
        try {
            return rest.allRunning(id);
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether the job's checkpoints have come to the end of the stream; not if the broker is too busy to tell. */
    private boolean allTrained() {
        try (TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            return admin.trainedOffsets(job.topics())
                    .equals(admin.endOffsets(job.topics().examples()));
        } catch (ConnectorException e) {
            return false;
        }
    }

    private static void requireGoing(FlinkRest rest, String id) throws JobFailure {
        String state;
        String reason;
        try {
            state = rest.jobState(id);
            reason = state.equals("FAILED") ? rest.lastFailure(id).orElse("it gives no reason") : "";
        } catch (IOException e) {
            return; // nobody who could answer: there will be another look
        }
        if (state.equals("FAILED")) {
            throw new JobFailure("The job failed: " + reason);
        }
        if (state.equals("CANCELED") || state.equals("FINISHED")) {
            throw new JobFailure("The job ended by itself as " + state);
        }
    }

    private static long counter(Map<String, String> counters, String name) {
        return Long.parseLong(counters.getOrDefault(name, "0"));
    }
}
