// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.DiagonalFactors;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.Arrays;
import java.util.List;

/**
 * Divides the running mean of the gradient by a diagonal Fisher matrix that is the outer product of two short vectors.
 *
 * <p>Every T steps, from the first on and before the update, with the augmented inputs a_t and the pre-activation
 * gradients q_t of the mini-batch, squared elementwise:
 *
 * <pre>
 *   H = old H + new mean_t(a_t^2)        S = old S + new mean_t(q_t^2)
 * </pre>
 *
 * <p>Each step k = 1, 2, ...:
 *
 * <pre>
 *   g = G + wd W
 *   M = b M + (1 - b) g
 *   F = S' H'^T + lambda                 x' = (x - min x) / (max x - min x + eps), 0 where the divisor is 0
 *   W = W - lr (M / (1 - b^k)) / F       without a root
 * </pre>
 *
 * <p>The paper and its authors' code do not agree, and neither does the paper with itself, so each choice is a knob; two
 * presets set them all. {@code paper} (the name {@code adafisher}): old 0.2, new 0.8, the first mini-batch sets H and S,
 * q_t of each example's own loss, x' taken of the averages, eps 0. {@code code} ({@code adafisher-code}): old 0.08, new
 * 0.008, H and S start at one, q_t of the mean loss, x' taken of each mini-batch's squares before averaging, eps 1e-6.
 * In the code's arithmetic the weights do not add up to one, S' H'^T sinks to at most 7.6e-5 within a few refreshes, and
 * F was measured within 2 % of lambda from the third on: it is gradient descent with momentum at rate lr / lambda.
 *
 * <p>Departures: M / (1 - b^k) is not written back into M, as in the code and unlike the paper's algorithm box. A side
 * of one unit, or of entries that are equal up to rounding (as those of two classes are), has range 0 and counts as 0, so
 * that F is lambda, in both presets. Averages stop at
 * 1e37, within a float. {@code [W | b]} is one matrix, the bias last.
 *
 * <p>M is {@code momentum}, H {@code inputFactor}, S {@code outputFactor}, k {@code steps}.
 *
 * <p>Reference: Gomes et al. 2024, arXiv 2405.16397, equation 3 and the algorithm box, and its authors' {@code
 * AdaFisher.py}.
 */
final class AdaFisher implements Optimizer {
    /** Whose factors are scaled to [0, 1]. */
    enum Normalisation {
        /** Each mini-batch's, before they are averaged. */
        BEFORE_AVERAGING,
        /** The averaged ones, whenever they are used. */
        AFTER_AVERAGING
    }

    /** What the factors are before the first mini-batch. */
    enum Start {
        /** Nothing: the first mini-batch sets them. */
        FIRST_BATCH,
        ONES
    }

    /** Of which loss q_t is the gradient. */
    enum Scale {
        PER_EXAMPLE,
        /** Smaller by the number of examples in the mini-batch. */
        MEAN_LOSS
    }

    static final Knob<Double> DAMPING = Knob.damping(
            "damping", 1e-3, "Added to the Fisher matrix; the largest step is the gradient times lr / damping.");
    static final Knob<Integer> FACTOR_INTERVAL = Knob.count(
            "factor-interval", 1, 100, "Steps between two updates of the factors; each reads the whole mini-batch.");
    static final Knob<Double> OLD_WEIGHT = Knob.weight("old-weight", 0.2, "Weight of the factors so far.");
    static final Knob<Double> NEW_WEIGHT = Knob.weight("new-weight", 0.8, "Weight of a mini-batch's own factors.");
    static final Knob<Normalisation> NORMALISATION = Knob.choice(
                    "normalisation",
                    Normalisation.AFTER_AVERAGING,
                    "Whether factors are scaled before or after averaging.")
            .structural();
    static final Knob<Start> START =
            Knob.choice("factor-start", Start.FIRST_BATCH, "What the factors are before the first mini-batch.");
    static final Knob<Scale> SCALE = Knob.choice(
                    "gradient-scale",
                    Scale.PER_EXAMPLE,
                    "Whether the factors are of each example's or of the mean loss.")
            .structural();
    static final Knob<Double> RANGE_EPSILON =
            Knob.nonNegative("range-epsilon", 0, "Added to the range of a factor's entries before dividing by it.");

    /** Preset {@code paper}. */
    static final List<Knob<?>> PAPER_KNOBS = List.of(
            Knobs.LEARNING_RATE,
            Knobs.BETA1,
            DAMPING,
            Adam.WEIGHT_DECAY,
            FACTOR_INTERVAL,
            OLD_WEIGHT,
            NEW_WEIGHT,
            NORMALISATION,
            START,
            SCALE,
            RANGE_EPSILON);

    /** Preset {@code code}. */
    static final List<Knob<?>> CODE_KNOBS = List.of(
            Knobs.LEARNING_RATE,
            Knobs.BETA1,
            DAMPING,
            Adam.WEIGHT_DECAY,
            FACTOR_INTERVAL,
            OLD_WEIGHT.withDefault(0.08),
            NEW_WEIGHT.withDefault(0.008),
            NORMALISATION.withDefault(Normalisation.BEFORE_AVERAGING),
            START.withDefault(Start.ONES),
            SCALE.withDefault(Scale.MEAN_LOSS),
            RANGE_EPSILON.withDefault(1e-6));

    private static final String STEPS = "steps";
    private static final String MOMENTUM = "momentum";
    private static final String INPUT_FACTOR = "inputFactor";
    private static final String OUTPUT_FACTOR = "outputFactor";

    /** Entries of a row that are updated at a time: more of them push each other out of the first-level cache. */
    private static final int RUN = 256;

    /** Averages beyond it would leave the range of a float. */
    static final double LARGEST_AVERAGE = 1e37;

    private final String name;
    private final double learningRate;
    private final double beta;
    private final double damping;
    private final double weightDecay;
    private final int factorInterval;
    private final double oldWeight;
    private final double newWeight;
    private final Normalisation normalisation;
    private final Start start;
    private final Scale scale;
    private final double rangeEpsilon;

    AdaFisher(OptimizerSettings settings) {
        this(settings, settings.get(Adam.WEIGHT_DECAY));
    }

    /** With this weight decay whatever the settings say. */
    AdaFisher(OptimizerSettings settings, double weightDecay) {
        this.name = settings.name();
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.beta = settings.get(Knobs.BETA1);
        this.damping = settings.get(DAMPING);
        this.weightDecay = weightDecay;
        this.factorInterval = settings.get(FACTOR_INTERVAL);
        this.oldWeight = settings.get(OLD_WEIGHT);
        this.newWeight = settings.get(NEW_WEIGHT);
        this.normalisation = settings.get(NORMALISATION);
        this.start = settings.get(START);
        this.scale = settings.get(SCALE);
        this.rangeEpsilon = settings.get(RANGE_EPSILON);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(
                List.of(
                        TensorSpec.dense(MOMENTUM, rows, columns),
                        TensorSpec.dense(INPUT_FACTOR, 1, columns),
                        TensorSpec.dense(OUTPUT_FACTOR, 1, rows)),
                List.of(STEPS));
    }

    @Override
    public void step(LayerGradient layer, Matrix parameters, LayerState state) {
        long before = state.counter(STEPS);
        if (before % factorInterval == 0) {
            average(INPUT_FACTOR, layer.activations(), 1, state);
            double perExample = scale == Scale.MEAN_LOSS ? 1.0 / layer.batch() : 1;
            average(OUTPUT_FACTOR, layer.preActivationGradients(), perExample, state);
        }
        state.setCounter(STEPS, before + 1);
        double[] h = factor(INPUT_FACTOR, state);
        double[] s = factor(OUTPUT_FACTOR, state);
        double rate = learningRate / (1 - StrictMath.pow(beta, before + 1));
        Matrix momentum = state.tensor(MOMENTUM);
        layer.forEachBand(
                parameters.precision() == Precision.FLOAT
                        ? new FloatUpdate(parameters, momentum, s, h, rate)
                        : (first, gradient) -> update(first, gradient, parameters, momentum, s, h, rate));
        state.markDirty(MOMENTUM);
    }

    /** Of the rows from {@code first} on, as many as {@code gradient} has. */
    private void update(
            int first, Matrix gradient, Matrix parameters, Matrix momentum, double[] s, double[] h, double rate) {
        int n = h.length;
        double[] g = new double[n];
        double[] w = new double[n];
        double[] m = new double[n];
        for (int i = 0; i < gradient.rows(); i++) {
            int at = (first + i) * n;
            gradient.read(i * n, g, 0, n);
            parameters.read(at, w, 0, n);
            momentum.read(at, m, 0, n);
            for (int j = 0; j < n; j++) {
                m[j] = beta * m[j] + (1 - beta) * (g[j] + weightDecay * w[j]);
                w[j] -= rate * m[j] / (s[first + i] * h[j] + damping);
            }
            momentum.write(at, m, 0, n);
            parameters.write(at, w, 0, n);
        }
    }

    /** The same with arithmetic in single precision, which is several times as fast; all bands share its rows. */
    private final class FloatUpdate implements LayerGradient.Band {
        private final Matrix parameters;
        private final Matrix momentum;
        private final double[] s;
        private final float[][] h;
        private final int columns;
        private final float rate;
        private final float[] g;
        private final float[] w;
        private final float[] m;

        FloatUpdate(Matrix parameters, Matrix momentum, double[] s, double[] h, double rate) {
            this.parameters = parameters;
            this.momentum = momentum;
            this.s = s;
            this.columns = h.length;
            int runs = (columns + RUN - 1) / RUN;
            this.h = new float[runs][];
            for (int run = 0; run < runs; run++) {
                int from = (int) ((long) columns * run / runs);
                this.h[run] = new float[(int) ((long) columns * (run + 1) / runs) - from];
                for (int j = 0; j < this.h[run].length; j++) {
                    this.h[run][j] = (float) h[from + j];
                }
            }
            this.rate = (float) rate;
            int longest = Math.min(RUN, columns);
            this.g = new float[longest];
            this.w = new float[longest];
            this.m = new float[longest];
        }

        @Override
        public void take(int first, Matrix gradient) {
            for (int i = 0; i < gradient.rows(); i++) {
                int from = i * columns;
                int at = (first + i) * columns;
                for (float[] run : h) {
                    int n = run.length;
                    gradient.read(from, g, 0, n);
                    parameters.read(at, w, 0, n);
                    momentum.read(at, m, 0, n);
                    update(g, w, m, run, (float) s[first + i], rate);
                    momentum.write(at, m, 0, n);
                    parameters.write(at, w, 0, n);
                    from += n;
                    at += n;
                }
            }
        }
    }

    private void update(float[] g, float[] w, float[] m, float[] h, float s, float rate) {
        float b = (float) beta;
        float c = (float) (1 - beta);
        float wd = (float) weightDecay;
        float lambda = (float) damping;
        for (int j = 0; j < h.length; j++) {
            float mj = b * m[j] + c * (g[j] + wd * w[j]);
            m[j] = mj;
            w[j] -= rate * mj / (s * h[j] + lambda);
        }
    }

    /** Takes a factor through a mini-batch with these rows. */
    private void average(String factor, Matrix examples, double scale, LayerState state) {
        double[] fresh = meanSquares(examples, scale);
        if (normalisation == Normalisation.BEFORE_AVERAGING) {
            normalise(fresh);
        }
        Matrix stored = state.tensor(factor);
        double[] x = new double[fresh.length];
        boolean first = state.counter(STEPS) == 0;
        if (first) {
            Arrays.fill(x, 1);
        } else {
            stored.read(0, x, 0, x.length);
        }
        for (int j = 0; j < x.length; j++) {
            double averaged = first && start == Start.FIRST_BATCH ? fresh[j] : oldWeight * x[j] + newWeight * fresh[j];
            x[j] = Math.min(LARGEST_AVERAGE, averaged);
        }
        stored.write(0, x, 0, x.length);
        state.markDirty(factor);
    }

    /** A factor as the Fisher matrix is made of it. */
    private double[] factor(String factor, LayerState state) {
        Matrix stored = state.tensor(factor);
        double[] x = new double[stored.columns()];
        stored.read(0, x, 0, x.length);
        if (normalisation == Normalisation.AFTER_AVERAGING) {
            normalise(x);
        }
        return x;
    }

    /** Mean of each column's squares. */
    private static double[] meanSquares(Matrix examples, double scale) {
        int n = examples.columns();
        double[] row = new double[n];
        double[] means = new double[n];
        for (int t = 0; t < examples.rows(); t++) {
            examples.read(t * n, row, 0, n);
            for (int j = 0; j < n; j++) {
                double x = scale * row[j];
                means[j] += x * x / examples.rows();
            }
        }
        return means;
    }

    private void normalise(double[] x) {
        DiagonalFactors.normalise(x, rangeEpsilon);
    }
}
