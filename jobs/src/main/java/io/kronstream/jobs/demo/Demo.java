// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.JobTopics;
import io.kronstream.jobs.Metric;
import io.kronstream.jobs.RunningJob;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.jobs.embedded.FlinkCluster;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import io.kronstream.jobs.embedded.ProcessFlinkCluster;
import io.kronstream.jobs.observer.Evaluation;
import io.kronstream.jobs.observer.JobObserver;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.observer.Predictor;
import io.kronstream.learner.Task;
import io.kronstream.operators.TrainCounters;
import io.kronstream.optimizers.Knobs;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * Learns a data set with everything that belongs to it: starts a broker and a cluster, streams the rows, runs the job,
 * watches it from outside, kills its TaskManager if asked to, and at the end lets the oracle learn the same again.
 */
public final class Demo {
    private static final long MAX_AHEAD = 100_000;
    private static final Duration LOOK = Duration.ofMillis(200);

    private final DemoSettings settings;
    private final PrintWriter out;

    private volatile boolean stopped;

    public Demo(DemoSettings settings, PrintWriter out) {
        this.settings = settings;
        this.out = out;
    }

    /**
     * Checks a directory to keep things in.
     *
     * @throws io.kronstream.jobs.InvalidSettingsException if it is a file, or a directory with something in it
     */
    public static void requireEmpty(Path keep) {
        WorkDirectory.requireEmpty(keep);
    }

    /** Ends the stream in order, from any thread; the run then ends with its summary. */
    public void stop() {
        stopped = true;
    }

    /**
     * Runs to the end of the stream, or until {@link #stop()}.
     *
     * @throws JobFailure if the job failed
     * @throws IOException with one sentence if the broker or the cluster did not start
     */
    public Summary run() throws IOException, InterruptedException, JobFailure {
        try (WorkDirectory directory = WorkDirectory.create(settings.keep());
                FlinkCluster cluster = startCluster(directory)) {
            if (settings.ui()) {
                say("Flink dashboard: %s", cluster.restAddress());
            }
            try (EmbeddedBroker broker = EmbeddedBroker.start(directory.broker(), 0)) {
                say("Kafka broker:    %s", broker.bootstrap());
                JobSettings job = settings.job()
                        .withKafka(settings.job().kafka().at(broker.bootstrap()))
                        .withCheckpointDirectory(directory.checkpoints().toUri());
                directory.writeJob(job);
                return run(cluster, job);
            }
        }
    }

    private FlinkCluster startCluster(WorkDirectory directory) throws IOException {
        int slots = settings.job().parallelism();
        if (settings.port().isPresent()) {
            return startCluster(directory, slots, settings.port().getAsInt());
        }
        if (settings.ui()) {
            try {
                return startCluster(directory, slots, DemoSettings.DEFAULT_PORT);
            } catch (IOException e) {
                // Somebody else uses the port that nobody asked for.
            }
        }
        return startCluster(directory, slots, 0);
    }

    private FlinkCluster startCluster(WorkDirectory directory, int slots, int port) throws IOException {
        return settings.crash()
                ? ProcessFlinkCluster.start(directory.cluster(), 1, slots, port)
                : MiniFlinkCluster.start(slots, port);
    }

    private Summary run(FlinkCluster cluster, JobSettings job) throws IOException, InterruptedException, JobFailure {
        int partitions = JobTopics.partitions(job);
        long rows = Long.MAX_VALUE;
        Map<Integer, Long> stopAt = null;
        try (TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            JobTopics.prepare(admin, job);
            if (settings.bounded()) {
                SortedMap<Integer, Long> plan = FileReplay.plan(
                        settings.dataset().rows(settings.seed(), settings.limit()),
                        job.learner().schema(),
                        job.model(),
                        partitions,
                        job.learner().mode());
                rows = plan.values().stream().mapToLong(Long::longValue).sum();
                stopAt = FileReplay.stopOffsets(admin.endOffsets(job.topics().examples()), plan);
            }
        }
        say(
                "Learning %s with %s. Ctrl-C ends it.",
                settings.dataset().name(), job.learner().optimizer().name());
        Metric metric = settings.dataset().metric();
        try (JobObserver observer = new JobObserver(job, metric);
                Feeder feeder = new Feeder(
                        job,
                        settings.dataset().rows(settings.seed(), settings.limit()),
                        settings.crash() ? Crash.holdBefore(rows) : Long.MAX_VALUE,
                        settings.bounded() ? Long.MAX_VALUE : MAX_AHEAD)) {
            RunningJob running = RunningJob.submit(cluster.restAddress(), job, stopAt, List.of());
            feeder.start();
            try {
                watch(cluster, job, running, feeder, observer, rows);
            } finally {
                running.cancel();
            }
            Evaluation evaluation = observer.finish();
            FlinkRest.Checkpoints checkpoints = new FlinkRest(cluster.restAddress()).checkpoints(running.id());
            return summary(job, running, evaluation, checkpoints, observer.rejected(), metric, observer.seconds());
        }
    }

    /** Looks after everything until the job has ended. */
    private void watch(
            FlinkCluster cluster, JobSettings job, RunningJob running, Feeder feeder, JobObserver observer, long rows)
            throws IOException, InterruptedException, JobFailure {
        FlinkRest rest = new FlinkRest(cluster.restAddress());
        Progress progress = new Progress(
                out,
                rest,
                running.id(),
                settings.dataset().metric(),
                job.learner().schema().task());
        Crash crash = cluster instanceof ProcessFlinkCluster processes
                ? new Crash(processes, running.id(), feeder, rows, out)
                : null;
        boolean stopping = false;
        boolean stopSent = false;
        while (!running.awaitEnd(LOOK)) {
            feeder.check();
            JobObserver.Glance glance = observer.glance();
            feeder.learned(glance.examples() + glance.rejected());
            if (stopped && !stopping) {
                stopping = true;
                feeder.stop();
                say("Stopping: the job learns what it has, takes a savepoint and ends.");
            }
            // A job that is starting cannot be stopped yet, and one whose source has ended ends by itself.
            if (stopping && !stopSent && allRunning(rest, running)) {
                stopSent = true;
                running.stop(job.checkpoints().directory(), true);
            }
            if (crash != null && !stopping) {
                crash.look(glance.examples());
            }
            progress.show(glance);
        }
        if (crash != null && !crash.done() && !stopping) {
            throw new JobFailure("The stream ended before a checkpoint had completed, so nothing was killed:"
                    + " give more examples or a shorter --checkpoint-interval");
        }
    }

    private static boolean allRunning(FlinkRest rest, RunningJob running) {
        try {
            return rest.allRunning(running.id());
        } catch (IOException e) {
            return false; // a busy cluster: there will be another look
        }
    }

    private Summary summary(
            JobSettings job,
            RunningJob running,
            Evaluation evaluation,
            FlinkRest.Checkpoints checkpoints,
            long rejected,
            Metric metric,
            double seconds)
            throws JobFailure {
        SortedMap<String, ModelManifest> versions;
        try (ModelReader reader = new ModelReader(job.kafka(), job.topics().models(), job.committedOnly())) {
            versions = reader.newest();
        }
        if (versions.isEmpty()) {
            throw new JobFailure("No model was published: the stream was too short for a single mini-batch");
        }
        say("Verifying: learning the same again without Flink.");
        Map<String, String> digests = new Oracle(job).digests(versions.values());
        List<Summary.Model> models = new ArrayList<>();
        versions.forEach((model, version) -> models.add(new Summary.Model(
                model,
                version.version(),
                version.step(),
                version.examples(),
                version.modelDigest(),
                version.modelDigest().equals(digests.get(model)))));
        Task task = job.learner().schema().task();
        Predictor naive = evaluation.baseline(metric);
        long examples = running.counter(TrainCounters.EXAMPLES);
        return new Summary(
                settings.dataset().name(),
                examples,
                models.stream().mapToLong(Summary.Model::step).sum(),
                seconds,
                Summary.orNull(examples / seconds),
                job.learner().optimizer().name(),
                job.learner().optimizer().get(Knobs.LEARNING_RATE),
                job.learner().batch(),
                job.learner().lag(),
                job.parallelism(),
                settings.seed(),
                quality(metric.title(), evaluation, Predictor.MODEL, metric),
                quality(naive.title(task), evaluation, naive, metric),
                settings.dataset().bestPossible().isPresent()
                        ? settings.dataset().bestPossible().getAsDouble()
                        : null,
                new Summary.Refreshes(
                        running.counter(TrainCounters.REFRESHES_REMOTE),
                        running.counter(TrainCounters.REFRESHES_INLINE),
                        running.counter(TrainCounters.REFRESHES_SKIPPED),
                        running.counter(TrainCounters.REFRESHES_FAILED),
                        running.counter(TrainCounters.REFRESHES_LATE)),
                checkpoints.completed(),
                checkpoints.restored(),
                models.stream().mapToLong(Summary.Model::version).max().orElse(0),
                rejected,
                versions.get(versions.firstKey()).fingerprint(),
                Summary.digest(versions),
                models.stream().allMatch(Summary.Model::verified),
                models.size() == 1 ? List.of() : models);
    }

    private static Summary.Quality quality(String name, Evaluation evaluation, Predictor predictor, Metric metric) {
        Map<String, Double> all = evaluation.all(predictor);
        all.replaceAll((title, value) -> Summary.orNull(value));
        return new Summary.Quality(
                name,
                Summary.orNull(evaluation.whole(predictor, metric)),
                Summary.orNull(evaluation.lastQuarter(predictor, metric)),
                all);
    }

    private void say(String format, Object... values) {
        out.printf(format + "%n", values);
        out.flush();
    }
}
