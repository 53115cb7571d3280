// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.evaluation.Tally;
import io.kronstream.jobs.Metric;
import io.kronstream.learner.Score;
import io.kronstream.learner.Task;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * How good predictions were, that were made before their labels were learned from: over the whole stream, over its last
 * quarter, and over the last {@link #WINDOW} examples.
 *
 * <p>Scores of a model must come in the order of their offsets and rows; one that comes again, as happens after a failure, is
 * ignored. With n scores of a model, the last quarter is those from {@code floor(3 n / 4)} on, and several models count
 * together. Memory is bounded: beyond {@value #MARKS} scores of a model the quarter begins up to {@code 2 n / MARKS}
 * scores early.
 *
 * <p>Log loss cuts probabilities at {@value #CUT}. A binary label is right when its probability was at least one half, one
 * of several classes when it was the most probable. Every score counts by its weight. The area under the ROC curve takes
 * probabilities as equal that agree to {@value #BINS} parts. Not thread-safe.
 */
public final class Evaluation {
    /** Examples of the window. */
    public static final int WINDOW = 2000;

    static final double CUT = 1e-4;
    static final int MARKS = 1 << 18;
    static final int BINS = 1 << 16;

    private static final Predictor[] PREDICTORS = Predictor.values();
    /** Two sums per predictor: right answers and log loss, or squared and absolute errors. Then the sum of weights. */
    private static final int SUMS = 2 * PREDICTORS.length + 1;

    private static final int WEIGHT = SUMS - 1;

    private final Task task;
    private final Map<Stream, Track> tracks = new TreeMap<>();
    private final double[][] window = new double[WINDOW][SUMS];
    private final Map<Predictor, double[][]> histograms = new EnumMap<>(Predictor.class);
    private final Tally tally;
    private long examples;

    public Evaluation(Task task) {
        this(task, Double.NaN);
    }

    /** @param level of the quantile that is predicted; NaN for none */
    public Evaluation(Task task, double level) {
        this.task = task;
        this.tally = new Tally(task, level);
        if (task == Task.BINARY) {
            for (Predictor predictor : PREDICTORS) {
                histograms.put(predictor, new double[2][BINS + 1]);
            }
        }
    }

    /** Takes a score; false if it was taken before. */
    public boolean add(String model, Score score) {
        Track track = tracks.computeIfAbsent(new Stream(model, score.partition()), any -> new Track());
        if (score.offset() < track.lastOffset || score.offset() == track.lastOffset && score.row() <= track.lastRow) {
            return false;
        }
        track.lastOffset = score.offset();
        track.lastRow = score.row();
        double[] sums = window[(int) (examples % WINDOW)];
        for (Predictor predictor : PREDICTORS) {
            judge(predictor, score, sums);
        }
        sums[WEIGHT] = score.weight();
        track.add(sums);
        tally.add(score);
        examples++;
        return true;
    }

    /** Different scores taken. */
    public long examples() {
        return examples;
    }

    /** A metric of a predictor over all scores; NaN if there is none. */
    public double whole(Predictor predictor, Metric metric) {
        return range(false).metric(predictor, metric);
    }

    /** A metric of a predictor over the last quarter; NaN if there is no score. */
    public double lastQuarter(Predictor predictor, Metric metric) {
        return range(true).metric(predictor, metric);
    }

    /** A metric of a predictor over the window; NaN if there is no score. */
    public double window(Predictor predictor, Metric metric) {
        double[] sums = new double[SUMS];
        int filled = (int) Math.min(examples, WINDOW);
        for (int i = 0; i < filled; i++) {
            addTo(sums, window[i]);
        }
        return new Range(sums).metric(predictor, metric);
    }

    /** All metrics of the task over all scores, by name; of the model those of {@link Tally}, too. */
    public Map<String, Double> all(Predictor predictor) {
        Range range = range(false);
        Map<String, Double> all = new LinkedHashMap<>();
        if (predictor == Predictor.MODEL && examples > 0) {
            all.putAll(tally.metrics());
        }
        for (Metric metric : Metric.of(task)) {
            all.put(metric.title(), range.metric(predictor, metric));
        }
        if (task == Task.BINARY) {
            all.put("auc", areaUnderCurve(histograms.get(predictor)));
        }
        return all;
    }

    /** The naive predictor that does better over all scores. */
    public Predictor baseline(Metric metric) {
        return metric.better(whole(Predictor.PRIOR, metric), whole(Predictor.NO_CHANGE, metric))
                ? Predictor.PRIOR
                : Predictor.NO_CHANGE;
    }

    private void judge(Predictor predictor, Score score, double[] sums) {
        int at = 2 * predictor.ordinal();
        double prediction = predictor.prediction(score);
        if (task == Task.REGRESSION) {
            double error = prediction - score.label();
            sums[at] = score.weight() * error * error;
            sums[at + 1] = score.weight() * Math.abs(error);
            return;
        }
        if (task == Task.CLASSIFICATION) {
            sums[at] = predictor.answer(score.answers()) == (int) score.label() ? score.weight() : 0;
            sums[at + 1] = -Math.log(Math.min(Math.max(prediction, CUT), 1 - CUT)) * score.weight();
            return;
        }
        boolean positive = score.label() >= 0.5;
        sums[at] = prediction >= 0.5 == positive ? score.weight() : 0;
        double cut = Math.min(Math.max(prediction, CUT), 1 - CUT);
        sums[at + 1] = -Math.log(positive ? cut : 1 - cut) * score.weight();
        histograms.get(predictor)[positive ? 1 : 0][bin(prediction)] += score.weight();
    }

    private static int bin(double probability) {
        return (int) Math.round(Math.min(Math.max(probability, 0), 1) * BINS);
    }

    private Range range(boolean lastQuarter) {
        double[] sums = new double[SUMS];
        for (Track track : tracks.values()) {
            track.addTo(sums, lastQuarter ? track.count * 3 / 4 : 0);
        }
        return new Range(sums);
    }

    private static double areaUnderCurve(double[][] histogram) {
        double below = 0;
        double wins = 0;
        double positives = 0;
        for (int bin = 0; bin <= BINS; bin++) {
            wins += histogram[1][bin] * (below + histogram[0][bin] / 2);
            below += histogram[0][bin];
            positives += histogram[1][bin];
        }
        return wins / (positives * below);
    }

    private static void addTo(double[] sums, double[] more) {
        for (int i = 0; i < SUMS; i++) {
            sums[i] += more[i];
        }
    }

    /** The scores of one model from one partition. */
    private record Stream(String model, int partition) implements Comparable<Stream> {
        @Override
        public int compareTo(Stream other) {
            int byModel = model.compareTo(other.model);
            return byModel != 0 ? byModel : Integer.compare(partition, other.partition);
        }
    }

    /** Sums over a range of scores. */
    private record Range(double[] sums) {
        double metric(Predictor predictor, Metric metric) {
            int at = 2 * predictor.ordinal();
            double weight = sums[WEIGHT];
            return switch (metric) {
                case ACCURACY -> sums[at] / weight;
                case LOG_LOSS, MAE -> sums[at + 1] / weight;
                case RMSE -> Math.sqrt(sums[at] / weight);
                case RELATIVE_RMSE -> Math.sqrt(sums[at] / sums[2 * Predictor.NO_CHANGE.ordinal()]);
            };
        }
    }

    /** Running sums of one stream, remembered after every {@code stride} scores. */
    private static final class Track {
        private long lastOffset = -1;
        private int lastRow = -1;
        private long count;
        private final double[] running = new double[SUMS];
        private double[] marks = new double[64 * SUMS];
        private int stride = 1;

        void add(double[] sums) {
            if (count % stride == 0) {
                int mark = (int) (count / stride);
                if (mark == MARKS) {
                    thin();
                    mark = (int) (count / stride);
                }
                if ((mark + 1) * SUMS > marks.length) {
                    marks = Arrays.copyOf(marks, 2 * marks.length);
                }
                System.arraycopy(running, 0, marks, mark * SUMS, SUMS);
            }
            Evaluation.addTo(running, sums);
            count++;
        }

        private void thin() {
            for (int mark = 0; mark < MARKS / 2; mark++) {
                System.arraycopy(marks, 2 * mark * SUMS, marks, mark * SUMS, SUMS);
            }
            stride *= 2;
        }

        /** Adds what came from the last mark at or before {@code from} on. */
        void addTo(double[] sums, long from) {
            int mark = (int) (from / stride);
            for (int i = 0; i < SUMS; i++) {
                sums[i] += running[i] - marks[mark * SUMS + i];
            }
        }
    }
}
