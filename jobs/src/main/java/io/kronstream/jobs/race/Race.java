// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.race;

import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.jobs.Metric;
import io.kronstream.jobs.observer.Evaluation;
import io.kronstream.jobs.observer.Predictor;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.Score;
import io.kronstream.learner.StepReport;
import io.kronstream.learner.Task;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Gives one stream to several learners, one after the other, in this thread. Each predicts every example before it learns
 * from it, exactly as in a job; refreshes are computed at once and installed at the step that they are due at. What is
 * learned depends on the stream and the settings alone; the processor time is what it is.
 */
public final class Race {
    private static final String TOPIC = "race";
    private static final String MODEL = "main";
    private static final int LAPS = 200;

    private final String dataset;
    private final Task task;
    private final Metric metric;
    private final List<Example> stream = new ArrayList<>();

    /** Decodes the rows, all of which stay in memory; those that cannot be read are left out. */
    public Race(String dataset, DataSchema schema, Iterator<byte[]> rows) {
        this.dataset = dataset;
        this.task = schema.task();
        this.metric = loss(schema);
        ExampleDecoder decoder = new ExampleDecoder(schema, MODEL);
        for (long offset = 0; rows.hasNext(); offset++) {
            try {
                stream.addAll(decoder.decode(new RawRecord(TOPIC, 0, offset, 0, null, rows.next())));
            } catch (UndecodableException e) {
                continue; // as in a job, where it goes to the dead letters
            }
        }
    }

    /** What the schema says is to be shown first, if smaller is better. */
    private static Metric loss(DataSchema schema) {
        Metric first = Metric.first(schema.task());
        Metric named = schema.metric() == null ? first : Metric.byName(schema.task(), schema.metric());
        return named.better(0, 1) ? named : first;
    }

    /** Rows that could be read. */
    public int size() {
        return stream.size();
    }

    /**
     * Runs all entrants.
     *
     * @param finished told about each one
     */
    public RaceResult run(List<Entrant> entrants, Consumer<Finish> finished) {
        Map<String, Finish> best = new LinkedHashMap<>();
        List<Finish> all = new ArrayList<>();
        Evaluation evaluation = new Evaluation(task);
        for (Entrant entrant : entrants) {
            evaluation = new Evaluation(task);
            Finish finish = run(entrant, evaluation);
            finished.accept(finish);
            all.add(new Finish(
                    finish.name(),
                    finish.learningRate(),
                    finish.loss(),
                    finish.lossLastQuarter(),
                    finish.metrics(),
                    finish.cpuSeconds(),
                    finish.rejectedBatches(),
                    List.of()));
            best.merge(entrant.name(), finish, (a, b) -> Double.compare(b.loss(), a.loss()) < 0 ? b : a);
        }
        return new RaceResult(
                dataset,
                evaluation.examples(),
                metric.title(),
                best.values().stream()
                        .sorted(Comparator.comparingDouble(Finish::loss))
                        .toList(),
                all,
                evaluation.whole(Predictor.NO_CHANGE, metric),
                evaluation.lastQuarter(Predictor.NO_CHANGE, metric),
                evaluation.whole(Predictor.PRIOR, metric),
                evaluation.lastQuarter(Predictor.PRIOR, metric));
    }

    private Finish run(Entrant entrant, Evaluation evaluation) {
        try (LearnerFactory factory = new LearnerFactory(entrant.settings());
                RefreshWorker worker = new RefreshWorker();
                Runner runner = new Runner(factory, worker, evaluation)) {
            runner.run();
            return new Finish(
                    entrant.name(),
                    entrant.rate(),
                    evaluation.whole(Predictor.MODEL, metric),
                    evaluation.lastQuarter(Predictor.MODEL, metric),
                    evaluation.all(Predictor.MODEL),
                    runner.cpuNanos / 1e9,
                    runner.rejected,
                    runner.laps);
        }
    }

    /** The learners of one entrant, one for each model of the stream. */
    private final class Runner implements Learner.Listener, AutoCloseable {
        private final LearnerFactory factory;
        private final RefreshWorker worker;
        private final Evaluation evaluation;
        private final Map<String, Learner> learners = new LinkedHashMap<>();
        private final ArrayDeque<RefreshRequest> asked = new ArrayDeque<>();
        private final List<Score> scores = new ArrayList<>();
        private final List<Lap> laps = new ArrayList<>();
        private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        private long rejected;
        private long cpuNanos;

        Runner(LearnerFactory factory, RefreshWorker worker, Evaluation evaluation) {
            this.factory = factory;
            this.worker = worker;
            this.evaluation = evaluation;
        }

        void run() {
            int lap = Math.max(1, stream.size() / LAPS);
            for (int from = 0; from < stream.size(); from += lap) {
                List<Example> part = stream.subList(from, Math.min(stream.size(), from + lap));
                boolean last = from + lap >= stream.size();
                long start = threads.getCurrentThreadCpuTime();
                part.forEach(this::learn);
                if (last) {
                    learners.values().forEach(this::finish);
                }
                cpuNanos += threads.getCurrentThreadCpuTime() - start;
                if (evaluation.examples() > 0) {
                    laps.add(new Lap(
                            evaluation.examples(),
                            cpuNanos / 1e9,
                            evaluation.whole(Predictor.MODEL, metric),
                            evaluation.whole(Predictor.NO_CHANGE, metric),
                            evaluation.whole(Predictor.PRIOR, metric)));
                }
            }
        }

        private void learn(Example example) {
            Learner learner = learners.computeIfAbsent(example.model(), factory::create);
            while (!learner.offer(example, this)) {
                answer(learner);
                learner.advance(this);
            }
            answer(learner);
            judge(example.model());
        }

        private void finish(Learner learner) {
            while (!learner.finish(this)) {
                answer(learner);
            }
            judge(learner.model());
        }

        private void answer(Learner learner) {
            while (!asked.isEmpty()) {
                learner.answer(worker.compute(asked.poll()));
            }
        }

        private void judge(String model) {
            scores.forEach(score -> evaluation.add(model, score));
            scores.clear();
        }

        @Override
        public void stepped(StepReport report) {
            scores.addAll(report.scores());
        }

        @Override
        public void requested(RefreshRequest request) {
            asked.add(request);
        }

        @Override
        public void rejected(RejectedBatch batch) {
            rejected++;
        }

        @Override
        public void close() {
            learners.values().forEach(Learner::close);
        }
    }
}
