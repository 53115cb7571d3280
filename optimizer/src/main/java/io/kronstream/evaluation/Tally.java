// SPDX-License-Identifier: Apache-2.0
package io.kronstream.evaluation;

import io.kronstream.learner.Score;
import io.kronstream.learner.Task;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Sums over scores of one model, each by its weight, from which its metrics follow. Equal scores in equal order give equal sums, bit for bit.
 *
 * <p>Of a binary label: {@code accuracy}, where a class is right if its probability was at least one half; {@code
 * logLoss}, with probabilities cut at {@value #CUT}; {@code normalisedEntropy}, the log loss over that of the mean of the
 * labels (He et al. 2014); {@code calibration}, the sum of the predictions over that of the labels; {@code auc}, the area
 * under the ROC curve, where predictions count as equal that fall into one of {@value #BINS} bins, even in the logit.
 *
 * <p>Of one of several classes: {@code accuracy}, where the class is right that is the most probable, and {@code logLoss}.
 *
 * <p>Of a number: {@code rmse}, {@code mae}, {@code relativeRmse} and {@code mase}, which are rmse and mae over those of the
 * no-change predictor (Hyndman and Koehler 2006, with that predictor's errors on the same examples), and where a quantile is
 * predicted {@code pinball}, its mean loss.
 *
 * <p>Not thread-safe.
 */
public final class Tally {
    static final double CUT = 1e-4;
    static final int BINS = 512;

    private static final double LARGEST_LOGIT = 10;
    private static final Predictor[] PREDICTORS = Predictor.values();
    private static final int LAYOUT = 1;
    private static final int HIT_OR_SQUARE = 0;
    private static final int LOSS_OR_ABSOLUTE = 1;

    private final Task task;
    private final double level;
    private long examples;
    private double weights;
    private double labels;
    private double predictions;
    private double pinball;
    /** For each predictor the sums of hits and log losses, or of squared and absolute errors. */
    private final double[][] sums = new double[PREDICTORS.length][2];
    /** Of a binary label, the weights of scores of label 0 and of label 1 in each bin. */
    private final double[][] histogram;

    /** Who predicted: those that the model must be better than, too. */
    public enum Predictor {
        MODEL("model"),
        /** The last known label. */
        NO_CHANGE("noChange"),
        /** The mean of the labels so far. */
        PRIOR("prior");

        private final String title;

        Predictor(String title) {
            this.title = title;
        }

        /** Its name in records. */
        public String title() {
            return title;
        }

        int answer(Score.Answers answers) {
            return switch (this) {
                case MODEL -> answers.model();
                case NO_CHANGE -> answers.noChange();
                case PRIOR -> answers.prior();
            };
        }

        double prediction(Score score) {
            return switch (this) {
                case MODEL -> score.prediction();
                case NO_CHANGE -> score.noChange();
                case PRIOR -> score.prior();
            };
        }
    }

    /** @param level of the quantile that is predicted; NaN if the model predicts none */
    public Tally(Task task, double level) {
        this.task = task;
        this.level = level;
        this.histogram = task == Task.BINARY ? new double[2][BINS] : null;
    }

    /** Takes a score. */
    public void add(Score score) {
        Terms terms = new Terms();
        terms.set(score, task);
        add(score, terms);
    }

    /** Takes a score whose terms are known. */
    void add(Score score, Terms terms) {
        double weight = score.weight();
        examples++;
        weights += weight;
        labels += weight * score.label();
        predictions += weight * score.prediction();
        for (int predictor = 0; predictor < PREDICTORS.length; predictor++) {
            double[] own = sums[predictor];
            own[HIT_OR_SQUARE] += terms.hitOrSquare[predictor];
            own[LOSS_OR_ABSOLUTE] += terms.lossOrAbsolute[predictor];
        }
        if (histogram != null) {
            histogram[score.label() >= 0.5 ? 1 : 0][terms.bin] += weight;
        }
        double above = score.label() - score.prediction();
        pinball += weight * (above >= 0 ? level * above : (level - 1) * above);
    }

    /** What one score adds to the sums of every tally that takes it: its logarithms take longer than the rest. */
    static final class Terms {
        private final double[] hitOrSquare = new double[PREDICTORS.length];
        private final double[] lossOrAbsolute = new double[PREDICTORS.length];
        private int bin;

        void set(Score score, Task task) {
            double weight = score.weight();
            for (int i = 0; i < PREDICTORS.length; i++) {
                double prediction = PREDICTORS[i].prediction(score);
                switch (task) {
                    case BINARY -> {
                        boolean positive = score.label() >= 0.5;
                        double cut = cut(prediction);
                        hitOrSquare[i] = prediction >= 0.5 == positive ? weight : 0;
                        lossOrAbsolute[i] = -(weight * StrictMath.log(positive ? cut : 1 - cut));
                    }
                    case CLASSIFICATION -> {
                        hitOrSquare[i] = PREDICTORS[i].answer(score.answers()) == (int) score.label() ? weight : 0;
                        lossOrAbsolute[i] = -(weight * StrictMath.log(cut(prediction)));
                    }
                    case REGRESSION -> {
                        double error = prediction - score.label();
                        hitOrSquare[i] = weight * error * error;
                        lossOrAbsolute[i] = weight * Math.abs(error);
                    }
                }
            }
            if (task == Task.BINARY) {
                bin = bin(score.prediction());
            }
        }

        private static double cut(double probability) {
            return Math.min(Math.max(probability, CUT), 1 - CUT);
        }
    }

    private static int bin(double probability) {
        double logit = StrictMath.log(probability / (1 - probability));
        double place = (Math.min(Math.max(logit, -LARGEST_LOGIT), LARGEST_LOGIT) + LARGEST_LOGIT) / (2 * LARGEST_LOGIT);
        return Double.isNaN(place) ? BINS / 2 : (int) Math.min(BINS - 1, place * BINS);
    }

    /** Scores taken. */
    public long examples() {
        return examples;
    }

    /** The model's metrics by name; those that do not exist, such as an area where all labels are equal, are NaN. */
    public SortedMap<String, Double> metrics() {
        SortedMap<String, Double> metrics = new TreeMap<>(metrics(Predictor.MODEL));
        double[] own = sums[Predictor.MODEL.ordinal()];
        if (task == Task.BINARY) {
            double share = labels / weights;
            double entropy = -share * StrictMath.log(share) - (1 - share) * StrictMath.log(1 - share);
            metrics.put("normalisedEntropy", own[LOSS_OR_ABSOLUTE] / weights / entropy);
            metrics.put("calibration", predictions / labels);
            metrics.put("auc", areaUnderCurve());
        } else if (task == Task.REGRESSION) {
            double[] noChange = sums[Predictor.NO_CHANGE.ordinal()];
            metrics.put("relativeRmse", Math.sqrt(own[HIT_OR_SQUARE] / noChange[HIT_OR_SQUARE]));
            metrics.put("mase", own[LOSS_OR_ABSOLUTE] / noChange[LOSS_OR_ABSOLUTE]);
            if (!Double.isNaN(level)) {
                metrics.put("pinball", pinball / weights);
            }
        }
        metrics.replaceAll((name, value) -> Double.isFinite(value) ? value : Double.NaN);
        return Collections.unmodifiableSortedMap(metrics);
    }

    /** The two metrics that every predictor has. */
    public LinkedHashMap<String, Double> metrics(Predictor predictor) {
        double[] own = sums[predictor.ordinal()];
        LinkedHashMap<String, Double> metrics = new LinkedHashMap<>();
        boolean number = task == Task.REGRESSION;
        metrics.put(
                number ? "rmse" : "accuracy",
                number ? Math.sqrt(own[HIT_OR_SQUARE] / weights) : own[HIT_OR_SQUARE] / weights);
        metrics.put(number ? "mae" : "logLoss", own[LOSS_OR_ABSOLUTE] / weights);
        return metrics;
    }

    private double areaUnderCurve() {
        double below = 0;
        double wins = 0;
        double positives = 0;
        for (int bin = 0; bin < BINS; bin++) {
            wins += histogram[1][bin] * (below + histogram[0][bin] / 2.0);
            below += histogram[0][bin];
            positives += histogram[1][bin];
        }
        return wins / (positives * below);
    }

    /** Writes the sums, layout byte first; of the histogram what is not 0. */
    public void write(DataOutput out) throws IOException {
        out.writeByte(LAYOUT);
        out.writeLong(examples);
        out.writeDouble(weights);
        out.writeDouble(labels);
        out.writeDouble(predictions);
        out.writeDouble(pinball);
        for (double[] own : sums) {
            out.writeDouble(own[HIT_OR_SQUARE]);
            out.writeDouble(own[LOSS_OR_ABSOLUTE]);
        }
        out.writeInt(filled());
        for (int label = 0; histogram != null && label < 2; label++) {
            for (int bin = 0; bin < BINS; bin++) {
                if (histogram[label][bin] > 0) {
                    out.writeShort(label * BINS + bin);
                    out.writeDouble(histogram[label][bin]);
                }
            }
        }
    }

    private int filled() {
        int filled = 0;
        for (int label = 0; histogram != null && label < 2; label++) {
            for (double weight : histogram[label]) {
                filled += weight > 0 ? 1 : 0;
            }
        }
        return filled;
    }

    /**
     * Reads what {@link #write} wrote of a tally of the same task.
     *
     * @throws IOException if it is of another layout or damaged
     */
    public static Tally read(Task task, double level, DataInput in) throws IOException {
        int layout = in.readUnsignedByte();
        if (layout != LAYOUT) {
            throw new IOException("Tally layout " + layout + " is not this job's " + LAYOUT + "; upgrade the job");
        }
        Tally tally = new Tally(task, level);
        tally.examples = in.readLong();
        tally.weights = in.readDouble();
        tally.labels = in.readDouble();
        tally.predictions = in.readDouble();
        tally.pinball = in.readDouble();
        for (double[] own : tally.sums) {
            own[HIT_OR_SQUARE] = in.readDouble();
            own[LOSS_OR_ABSOLUTE] = in.readDouble();
        }
        for (int filled = in.readInt(); filled > 0; filled--) {
            int place = in.readUnsignedShort();
            if (tally.histogram == null || place >= 2 * BINS) {
                throw new IOException("A tally's bin " + place + " cannot be right");
            }
            tally.histogram[place / BINS][place % BINS] = in.readDouble();
        }
        return tally;
    }
}
