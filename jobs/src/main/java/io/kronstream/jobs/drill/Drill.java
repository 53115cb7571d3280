// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.demo.WorkDirectory;
import io.kronstream.jobs.observer.Oracle;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.kafka.common.errors.InterruptException;

/**
 * Learns a stream twice with real processes, once undisturbed and once while they are killed, compares everything that
 * the two runs have left on Kafka, and lets the oracle learn it a third time. Ends and deletes whatever it started and
 * wrote.
 */
public final class Drill {
    private static final String CALM = "undisturbed";
    private static final String DISTURBED = "disturbed";

    private final DrillSettings settings;
    private final PrintWriter out;
    private final long since = System.currentTimeMillis();

    private volatile boolean stopped;
    private volatile Thread runner;

    public Drill(DrillSettings settings, PrintWriter out) {
        this.settings = settings;
        this.out = out;
    }

    /** Ends the drill soon, from any thread; {@link #run} then throws. */
    public void stop() {
        stopped = true;
        Thread running = runner;
        if (running != null) {
            running.interrupt();
        }
    }

    /**
     * @throws JobFailure if the job failed or the drill was stopped
     * @throws IOException with one sentence if a process did not start, or ended without having been killed
     */
    public DrillReport run() throws IOException, JobFailure {
        runner = Thread.currentThread();
        try {
            return runAndCleanUp();
        } catch (InterruptedException | InterruptedIOException | InterruptException e) {
            throw new JobFailure("The drill was ended before there was anything to compare", e);
        }
    }

    private DrillReport runAndCleanUp() throws IOException, InterruptedException, JobFailure {
        try (WorkDirectory directory = WorkDirectory.create(null);
                Site site = Site.start(
                        directory.broker(),
                        directory.cluster(),
                        settings.taskManagers(),
                        settings.slots(),
                        settings.seed(),
                        false,
                        settings.brokerDown())) {
            try {
                return run(directory, site);
            } finally {
                // What is closed now must be waited for.
                runner = null;
                Thread.interrupted();
            }
        }
    }

    private DrillReport run(WorkDirectory directory, Site site) throws IOException, InterruptedException, JobFailure {
        say(
                "A broker, a JobManager and %d TaskManagers run; learning %,d examples of %s with %s, %s.",
                settings.taskManagers(),
                settings.examples(),
                settings.dataset().name(),
                settings.job().learner().optimizer().name(),
                settings.mode());
        say("The undisturbed run:");
        DrillRun.Result calm = run(CALM, directory, site, List.of());
        Transcript calmTranscript = Transcript.read(calm.job());
        say("The same with %d kills:", settings.kills());
        DrillRun.Result disturbed =
                run(DISTURBED, directory, site, KillPlan.of(settings.kills(), settings.examples(), settings.seed()));
        say("Comparing what the two runs have left on Kafka.");
        Transcript disturbedTranscript = Transcript.read(disturbed.job());
        List<String> differences = Comparison.differences(calmTranscript, disturbedTranscript, settings.ordered());
        say("Verifying: learning the same again without Flink.");
        SortedMap<String, String> digests = new TreeMap<>();
        boolean verified = verify(disturbed.job(), digests);
        return DrillReport.of(settings, calm, disturbed, disturbedTranscript, digests, differences, verified);
    }

    private DrillRun.Result run(String name, WorkDirectory directory, Site site, List<KillPlan.Kill> plan)
            throws IOException, InterruptedException, JobFailure {
        JobSettings job = settings.job(name, site.kafka(), directory.checkpoints());
        return new DrillRun(settings, site, job, since, out, () -> stopped).run(plan);
    }

    /**
     * Whether the oracle has the same digests of the newest version of each model, and there is one. In arrival mode that
     * is asked of every version.
     */
    private boolean verify(JobSettings job, SortedMap<String, String> digests) {
        SortedMap<Long, List<ModelManifest>> rounds = new TreeMap<>();
        try (ModelReader reader = new ModelReader(job.kafka(), job.topics().models(), job.committedOnly())) {
            reader.newest().forEach((model, newest) -> {
                digests.put(model, newest.modelDigest());
                if (settings.ordered()) {
                    rounds.computeIfAbsent(0L, any -> new ArrayList<>()).add(newest);
                }
            });
            if (!settings.ordered()) {
                digests.keySet().forEach(model -> reader.versions(model)
                        .forEach((number, version) -> rounds.computeIfAbsent(number, any -> new ArrayList<>())
                                .add(version)));
            }
        }
        Oracle oracle = new Oracle(job);
        for (List<ModelManifest> versions : rounds.values()) {
            Map<String, String> published = new TreeMap<>();
            versions.forEach(version -> published.put(version.model(), version.modelDigest()));
            if (!oracle.digests(versions).equals(published)) {
                return false;
            }
        }
        return !digests.isEmpty();
    }

    private void say(String format, Object... values) {
        out.printf(format + "%n", values);
        out.flush();
    }
}
