// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.jobs.demo.Feeder;
import io.kronstream.jobs.drill.KillPlan.Kill;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.FlinkRest.CompletedCheckpoint;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Kills by plan while a job runs, and measures what each kill cost. The job has recovered when a checkpoint has completed
 * that began after the kill: only then sources, models and sinks all work again.
 */
final class Crashes {
    /** A stream that waits at its end gives nothing new; then what is left of the plan is due. */
    private static final Duration STALLED = Duration.ofSeconds(3);

    private final Site site;
    private final FlinkRest rest;
    private final String job;
    private final Feeder feeder;
    private final PrintWriter out;
    private final Deque<Kill> plan;
    private final List<Crash> crashes = new ArrayList<>();
    private final Restores restores;

    private long learned;
    private long lastProgressNanos = System.nanoTime();
    private long killNanos;
    private long killMillis;
    private boolean recovering;

    Crashes(Site site, String job, Feeder feeder, List<Kill> plan, PrintWriter out) {
        this.site = site;
        this.rest = site.rest();
        this.job = job;
        this.restores = new Restores(site, job);
        this.feeder = feeder;
        this.plan = new ArrayDeque<>(plan);
        this.out = out;
    }

    /** Whether all kills have happened and the job has recovered from the last. */
    boolean done() {
        return plan.isEmpty() && !recovering;
    }

    /** What happened so far. */
    List<Crash> crashes() {
        return List.copyOf(crashes);
    }

    /** How often the job went back to a checkpoint, under all JobManagers together. */
    long restores() {
        return restores.count();
    }

    /**
     * Kills if it is time to.
     *
     * @param examples learned from so far
     */
    void look(long examples) throws IOException {
        if (examples > learned) {
            learned = examples;
            lastProgressNanos = System.nanoTime();
        }
        watchRecovery();
        if (!plan.isEmpty() && due(plan.peek())) {
            kill(plan.poll());
        }
    }

    private boolean due(Kill kill) {
        if (kill.follows() && recovering) {
            return since(killNanos).toMillis() >= kill.afterMillis();
        }
        return !recovering
                && (learned >= kill.examples()
                        || feeder.holding() && since(lastProgressNanos).compareTo(STALLED) > 0);
    }

    private void kill(Kill kill) throws IOException {
        killMillis = System.currentTimeMillis();
        killNanos = System.nanoTime();
        long pid = site.crash(kill.victim());
        out.printf(
                "kill -9 %d: the %s dies at %,d examples%s; another starts%s%n",
                pid,
                kill.victim().title(),
                learned,
                recovering ? ", while the job still recovers" : "",
                kill.victim() == Victim.BROKER && site.brokerAway() ? " later" : "");
        out.flush();
        crashes.add(new Crash(kill.victim(), learned, null));
        recovering = true;
    }

    private void watchRecovery() {
        restores.look();
        Optional<CompletedCheckpoint> latest;
        try {
            latest = rest.latestCheckpoint(job);
        } catch (IOException e) {
            return; // nobody who could answer: there will be another look
        }
        if (recovering && latest.isPresent() && latest.get().triggeredMillis() > killMillis) {
            double seconds = (latest.get().acknowledgedMillis() - killMillis) / 1e3;
            Crash last = crashes.remove(crashes.size() - 1);
            crashes.add(new Crash(last.victim(), last.examples(), seconds));
            recovering = false;
            lastProgressNanos = System.nanoTime();
            out.printf("recovered after %.1f s%n", seconds);
            out.flush();
        }
    }

    private static Duration since(long nanos) {
        return Duration.ofNanos(System.nanoTime() - nanos);
    }
}
