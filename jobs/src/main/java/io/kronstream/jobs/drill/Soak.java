// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.RunningJob;
import io.kronstream.jobs.demo.Feeder;
import io.kronstream.jobs.demo.WorkDirectory;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.observer.JobObserver;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Lets a job run for long, with a crash every now and then, and writes down what one TaskManager uses: the first, which is
 * never killed itself and so goes through every restart of the job that the others cause. What leaks with a restart adds
 * up there.
 */
public final class Soak {
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final Duration SAMPLE = Duration.ofSeconds(10);
    private static final long MAX_AHEAD = 20_000;

    private final DrillSettings settings;
    private final Duration duration;
    private final Duration crashEvery;
    private final double rowsPerSecond;
    private final PrintWriter out;
    private final PrintWriter samples;
    private final List<ProcessSample> taken = new ArrayList<>();

    private volatile boolean stopped;

    /**
     * @param rowsPerSecond of the stream, or 0 for as fast as it is learned
     * @param samples takes each sample as a line of JSON
     */
    public Soak(
            DrillSettings settings,
            Duration duration,
            Duration crashEvery,
            double rowsPerSecond,
            PrintWriter out,
            PrintWriter samples) {
        if (!ProcessSample.supported()) {
            throw new InvalidSettingsException(
                    "--soak", List.of("needs /proc, which tells what processes use; this system has none"));
        }
        this.settings = settings;
        this.duration = duration;
        this.crashEvery = crashEvery;
        this.rowsPerSecond = rowsPerSecond;
        this.out = out;
        this.samples = samples;
    }

    /** Ends it soon, from any thread, with what was seen so far. */
    public void stop() {
        stopped = true;
    }

    /**
     * @throws JobFailure if the job failed
     * @throws IOException with one sentence if a process did not start, or ended without having been killed
     */
    public void run() throws IOException, InterruptedException, JobFailure {
        try (WorkDirectory directory = WorkDirectory.create(null);
                Site site = Site.start(
                        directory.broker(),
                        directory.cluster(),
                        settings.taskManagers(),
                        settings.slots(),
                        settings.seed(),
                        true,
                        settings.brokerDown())) {
            JobSettings job = settings.job("soak", site.kafka(), directory.checkpoints());
            DrillTopics.create(job, settings.partitions());
            DrillTopics.keepRecentOnly(job);
            try (JobObserver observer = new JobObserver(job, settings.dataset().metric(), false);
                    Feeder feeder = new Feeder(job, settings.rows(), Long.MAX_VALUE, MAX_AHEAD, rowsPerSecond)) {
                RunningJob running = RunningJob.submit(site.address(), job, null, List.of());
                feeder.start();
                try {
                    watch(site, running.id(), feeder, observer);
                } finally {
                    running.cancel();
                }
            }
        }
    }

    private void watch(Site site, String job, Feeder feeder, JobObserver observer) throws IOException {
        FlinkRest rest = site.rest();
        long start = System.nanoTime();
        long nextSample = SAMPLE.toNanos();
        long nextCrash = crashEvery.toNanos();
        int crashes = 0;
        Restores restores = new Restores(site, job);
        out.println(ProcessSample.head());
        for (long now = 0; !stopped && now < duration.toNanos(); now = System.nanoTime() - start) {
            site.supervise().forEach(end -> out.println("  not killed: " + end + "; another starts"));
            feeder.check();
            JobObserver.Glance glance = observer.glance();
            long examples = glance.examples() + glance.rejected();
            feeder.learned(examples);
            restores.look();
            if (now >= nextCrash) {
                Victim victim = Victim.values()[crashes++ % Victim.values().length];
                site.crash(victim);
                out.printf("  kill -9: the %s%n", victim.title());
                nextCrash += crashEvery.toNanos();
            }
            if (now >= nextSample) {
                nextSample += SAMPLE.toNanos();
                take(site, rest, now, examples, crashes, restores.count());
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
        out.print(ProcessSample.quarters(taken));
        out.flush();
    }

    private void take(Site site, FlinkRest rest, long now, long examples, int crashes, long restores) {
        ProcessSample sample;
        try {
            sample = ProcessSample.of(
                    rest,
                    site.firstTaskManagerId(),
                    site.firstTaskManagerPid(),
                    Duration.ofNanos(now).toSeconds(),
                    examples,
                    crashes,
                    restores);
            samples.println(new ObjectMapper().writeValueAsString(sample));
        } catch (IOException e) {
            return; // the JobManager is away
        }
        samples.flush();
        taken.add(sample);
        out.println(sample.line());
        out.flush();
    }
}
