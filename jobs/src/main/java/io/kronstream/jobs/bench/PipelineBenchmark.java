// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import com.sun.management.OperatingSystemMXBean;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobOptions;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.JobTopics;
import io.kronstream.jobs.RunningJob;
import io.kronstream.jobs.demo.WorkDirectory;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.jobs.embedded.FlinkCluster;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.StepReport;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Times a whole job on a broker and a cluster in this process: decoding, validation, standardisation, scores, models and
 * metrics to their topics, checkpoints every 10 seconds, all as they are by default. The topic is filled before, with more
 * than is timed: neither the job's start nor its end is in the measurement. Beside it, bare learners on as many threads as
 * the job has slots, on the same examples, decoded before and kept in memory, with their refreshes computed in place.
 */
public final class PipelineBenchmark {
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private static final Duration LOOK = Duration.ofMillis(500);
    private static final String CHECKPOINT_INTERVAL = "10 s";
    private static final String MODEL = "default";
    private static final long BARE_NANOS = 5_000_000_000L;

    /** Examples that the bare learner takes again and again. */
    private static final int IN_MEMORY = 16_384;

    private PipelineBenchmark() {}

    /**
     * What goes through the job.
     *
     * @param records whose way through the job is timed
     * @param warmUp records before them: the first minute of a Java process is its compiler's
     * @param broken share of the records that cannot be decoded, spread evenly
     */
    public record Load(long records, long warmUp, double broken) {
        /** Where the measurement ends. */
        long end() {
            return warmUp + records;
        }

        /** At the end so many still wait in open mini-batches or are on their way, and the job goes on as before. */
        long all(PipelineCase benchCase) {
            return end() + records / 4 + benchCase.openExamples();
        }
    }

    /**
     * Measures one case with each number of slots; the topic is filled once.
     *
     * @param slots of the job, which is also its parallelism
     * @param measured is told each measurement as soon as it is there
     * @throws JobFailure if the job failed
     * @throws IOException with one sentence if the broker or a cluster did not start
     */
    public static void measure(
            PipelineCase benchCase, List<Integer> slots, Load load, Consumer<PipelineMeasurement> measured)
            throws IOException, InterruptedException, JobFailure {
        try (WorkDirectory directory = WorkDirectory.create(null);
                EmbeddedBroker broker = EmbeddedBroker.start(directory.broker(), 0)) {
            int most = slots.stream().mapToInt(Integer::intValue).max().orElseThrow();
            Map<Integer, Long> stopAt = fill(benchCase, settings(benchCase, most, broker.bootstrap()), load);
            for (int count : slots) {
                double bare = bareExamplesPerSecond(benchCase, count);
                JobSettings job = settings(benchCase, count, broker.bootstrap())
                        .withCheckpointDirectory(directory.checkpoints().toUri());
                Span span = span(job, stopAt, load);
                double perSecond = span.records() / span.seconds();
                measured.accept(new PipelineMeasurement(
                        benchCase.name(),
                        benchCase.optimizer(),
                        count,
                        span.records(),
                        load.broken(),
                        span.seconds(),
                        span.cpuSeconds(),
                        perSecond,
                        bare,
                        perSecond / bare));
            }
        }
    }

    private static JobSettings settings(PipelineCase benchCase, int slots, String bootstrap) {
        Map<String, String> values = new TreeMap<>();
        values.put(JobOptions.JOB_NAME.key(), "kronstream bench: " + benchCase.name());
        values.put(JobOptions.KAFKA_BOOTSTRAP.key(), bootstrap);
        values.put(JobOptions.MODEL.key(), MODEL);
        values.put(JobOptions.HIDDEN.key(), benchCase.hidden().toString());
        values.put(JobOptions.OPTIMIZER.key(), benchCase.optimizer());
        values.put(JobOptions.BATCH_SIZE.key(), Integer.toString(benchCase.batch()));
        values.put(JobOptions.PARALLELISM.key(), Integer.toString(slots));
        values.put(JobOptions.CHECKPOINT_INTERVAL.key(), CHECKPOINT_INTERVAL);
        return JobSettings.of("bench pipeline", values, benchCase.schema());
    }

    private static Map<Integer, Long> fill(PipelineCase benchCase, JobSettings job, Load load) {
        try (TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            JobTopics.prepare(admin, job);
            try (FileReplay replay = new FileReplay(
                    job.kafka(), job.topics().examples(), job.learner().schema(), job.model())) {
                return replay.replay(benchCase.rows(load.all(benchCase), load.broken()));
            }
        }
    }

    /** Records, the time that they took, and the processor time of this process in it. */
    private record Span(long records, double seconds, double cpuSeconds) {}

    /** Where a job is, and when. */
    private record Mark(long records, long nanos, long cpuNanos) {
        static Mark at(long records) {
            return new Mark(records, System.nanoTime(), PROCESS.getProcessCpuTime());
        }

        Span to(Mark end) {
            return new Span(end.records - records, (end.nanos - nanos) / 1e9, (end.cpuNanos - cpuNanos) / 1e9);
        }
    }

    /** Runs a job, and times it from the end of the warm-up until the records after it are scored or set aside. */
    private static Span span(JobSettings job, Map<Integer, Long> stopAt, Load load)
            throws IOException, InterruptedException, JobFailure {
        try (FlinkCluster cluster = MiniFlinkCluster.start(job.parallelism(), 0);
                TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            long before = came(admin, job);
            RunningJob running = RunningJob.submit(cluster.restAddress(), job, stopAt, List.of());
            try {
                Mark start = Mark.at(0);
                while (true) {
                    boolean ended = running.awaitEnd(LOOK);
                    Mark now = Mark.at(came(admin, job) - before);
                    if (now.records() >= load.end() || ended) {
                        return start.to(now);
                    }
                    if (start.records() < load.warmUp() || start.records() == 0) {
                        start = now;
                    }
                }
            } finally {
                running.cancel();
            }
        }
    }

    /** Records that have gone all the way: to the scores, or to the dead letters. */
    private static long came(TopicAdmin admin, JobSettings job) {
        return Stream.of(job.topics().scores(), job.topics().deadLetters())
                .flatMap(topic -> admin.endOffsets(topic).values().stream())
                .mapToLong(Long::longValue)
                .sum();
    }

    /** Of all threads together; each has models of its own. */
    private static double bareExamplesPerSecond(PipelineCase benchCase, int threads) throws InterruptedException {
        JobSettings settings = settings(benchCase, 1, "127.0.0.1:0");
        List<Example> examples = decode(benchCase, settings);
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            Callable<Double> bare = () -> bareExamplesPerSecond(settings, examples);
            double sum = 0;
            for (Future<Double> one : executor.invokeAll(Collections.nCopies(threads, bare))) {
                sum += one.get();
            }
            return sum;
        } catch (ExecutionException e) {
            throw new IllegalStateException("The bare learner failed", e.getCause());
        } finally {
            executor.shutdownNow();
        }
    }

    private static double bareExamplesPerSecond(JobSettings settings, List<Example> examples) {
        try (LearnerFactory factory = new LearnerFactory(settings.learner());
                RefreshWorker worker = new RefreshWorker()) {
            Map<String, Bare> models = new HashMap<>();
            try {
                for (Example example : examples) {
                    models.computeIfAbsent(example.model(), model -> new Bare(factory.create(model), worker))
                            .take(example);
                }
                long taken = 0;
                long start = System.nanoTime();
                while (System.nanoTime() - start < BARE_NANOS) {
                    for (Example example : examples) {
                        models.get(example.model()).take(example);
                    }
                    taken += examples.size();
                }
                return taken * 1e9 / (System.nanoTime() - start);
            } finally {
                models.values().forEach(model -> model.learner.close());
            }
        }
    }

    private static List<Example> decode(PipelineCase benchCase, JobSettings settings) {
        ExampleDecoder decoder = new ExampleDecoder(settings.learner().schema(), settings.model());
        List<Example> examples = new ArrayList<>(IN_MEMORY);
        Iterator<byte[]> rows = benchCase.rows(IN_MEMORY, 0);
        for (long offset = 0; rows.hasNext(); offset++) {
            try {
                examples.addAll(decoder.decode(new RawRecord("", 0, offset, 0, null, rows.next())));
            } catch (UndecodableException e) {
                throw new IllegalStateException("The benchmark's own line " + offset + " cannot be read", e);
            }
        }
        return examples;
    }

    /** A learner whose refreshes are computed in place. */
    private static final class Bare implements Learner.Listener {
        private final Learner learner;
        private final RefreshWorker worker;
        private final ArrayDeque<RefreshRequest> asked = new ArrayDeque<>();

        Bare(Learner learner, RefreshWorker worker) {
            this.learner = learner;
            this.worker = worker;
        }

        void take(Example example) {
            while (!learner.offer(example, this)) {
                answer();
                learner.advance(this);
            }
            answer();
        }

        private void answer() {
            while (!asked.isEmpty()) {
                learner.answer(worker.compute(asked.poll()));
            }
        }

        @Override
        public void stepped(StepReport report) {}

        @Override
        public void requested(RefreshRequest request) {
            asked.add(request);
        }

        @Override
        public void rejected(RejectedBatch batch) {
            throw new IllegalStateException(batch.reason());
        }
    }
}
