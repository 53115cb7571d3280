// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Divides the gradient by the root of its running mean square, of which it keeps the means of rows and columns only.
 *
 * <p>Step k = 1, 2, ..., with b2 = 1 - k^-0.8 and {@code RMS(X) = |X|_F / sqrt(mn)}:
 *
 * <pre>
 *   u = G^2 + eps1
 *   r = b2 r + (1 - b2) mean of each row of u        c = b2 c + (1 - b2) mean of each column of u
 *   X = G / sqrt(r c^T / mean(r))                    X = X / max(1, RMS(X) / d)
 *   rho = lr, or min(lr, 1 / sqrt(k)) with {@code relative-step}
 *   rho = rho max(eps2, RMS(W)) with {@code scale-parameter}, W before the step
 *   W = (1 - rho wd) W - rho X,                      or with {@code momentum}
 *   M = b1 M + (1 - b1) rho X                        W = (1 - rho wd) W - M
 * </pre>
 *
 * <p>Departures: the rate does not fade by default, since a stream has no end; with {@code relative-step} it is the
 * paper's, whose 1e-2 is {@code lr} here. A vector needs no case of its own: r c^T / mean(r) is its full mean square. X is
 * computed in double precision, as the squares of small gradients are no floats.
 *
 * <p>r is {@code rowMean}, c {@code columnMean}, M {@code momentum}, k {@code steps}, d {@code clip-threshold}.
 *
 * <p>Reference: Shazeer and Stern 2018, arXiv 1804.04235, algorithm 4 and section 8.
 */
final class AdaFactor implements Optimizer {
    static final Knob<Boolean> RELATIVE_STEP =
            Knob.flag("relative-step", false, "Lets the rate fade as one over the root of the number of steps.");
    static final Knob<Boolean> SCALE_PARAMETER =
            Knob.flag("scale-parameter", true, "Makes steps proportional to the size of the layer's parameters.");
    static final Knob<Boolean> MOMENTUM = Knob.flag(
                    "momentum",
                    false,
                    "Keeps a running mean of the steps, which costs as much memory as the parameters.")
            .structural();
    static final Knob<Double> DECAY_EXPONENT = Knob.positive(
            "decay-exponent", 0.8, "The second moment of step k forgets at rate k to the power of minus this.");
    static final Knob<Double> CLIP_THRESHOLD =
            Knob.positive("clip-threshold", 1, "Root mean square beyond which a layer's step is scaled down.");
    static final Knob<Double> EPSILON1 = Knob.epsilon("epsilon1", 1e-30, "Added to the squares of the gradient.");
    static final Knob<Double> EPSILON2 =
            Knob.epsilon("epsilon2", 1e-3, "Least size of the parameters that steps are proportional to.");

    static final List<Knob<?>> KNOBS = List.of(
            Knobs.LEARNING_RATE.withDefault(1e-2),
            RELATIVE_STEP,
            SCALE_PARAMETER,
            MOMENTUM,
            Knobs.BETA1,
            DECAY_EXPONENT,
            CLIP_THRESHOLD,
            EPSILON1,
            EPSILON2,
            EigenbasisOptimizer.WEIGHT_DECAY);

    private static final String STEPS = "steps";
    private static final String ROW_MEAN = "rowMean";
    private static final String COLUMN_MEAN = "columnMean";
    private static final String STEP_MEAN = "momentum";

    private final String name;
    private final double learningRate;
    private final boolean relativeStep;
    private final boolean scaleParameter;
    private final boolean momentum;
    private final double beta1;
    private final double decayExponent;
    private final double clipThreshold;
    private final double epsilon1;
    private final double epsilon2;
    private final double weightDecay;

    AdaFactor(OptimizerSettings settings) {
        this.name = settings.name();
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.relativeStep = settings.get(RELATIVE_STEP);
        this.scaleParameter = settings.get(SCALE_PARAMETER);
        this.momentum = settings.get(MOMENTUM);
        this.beta1 = settings.get(Knobs.BETA1);
        this.decayExponent = settings.get(DECAY_EXPONENT);
        this.clipThreshold = settings.get(CLIP_THRESHOLD);
        this.epsilon1 = settings.get(EPSILON1);
        this.epsilon2 = settings.get(EPSILON2);
        this.weightDecay = settings.get(EigenbasisOptimizer.WEIGHT_DECAY);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Memory memory(int rows, int columns) {
        List<TensorSpec> tensors = new ArrayList<>();
        tensors.add(TensorSpec.dense(ROW_MEAN, 1, rows));
        tensors.add(TensorSpec.dense(COLUMN_MEAN, 1, columns));
        if (momentum) {
            tensors.add(TensorSpec.dense(STEP_MEAN, rows, columns));
        }
        return new Memory(tensors, List.of(STEPS));
    }

    @Override
    public void step(LayerGradient layer, Matrix parameters, LayerState state) {
        long k = state.counter(STEPS) + 1;
        state.setCounter(STEPS, k);
        Direction direction = direction(layer.gradient(), k, state);
        double rate = relativeStep ? Math.min(learningRate, 1 / Math.sqrt(k)) : learningRate;
        if (scaleParameter) {
            rate *= Math.max(epsilon2, parameters.norm() / Math.sqrt(direction.size()));
        }
        if (weightDecay > 0) {
            parameters.scale(1 - rate * weightDecay);
        }
        rate /= Math.max(1, direction.rootMeanSquare() / clipThreshold);
        if (momentum) {
            stepWithMomentum(direction, rate, parameters, state);
        } else {
            stepAlong(direction, rate, parameters);
        }
    }

    private static void stepAlong(Direction direction, double rate, Matrix parameters) {
        int n = parameters.columns();
        double[] x = new double[n];
        double[] w = new double[n];
        for (int i = 0; i < parameters.rows(); i++) {
            direction.read(i, x);
            parameters.read(i * n, w, 0, n);
            for (int j = 0; j < n; j++) {
                w[j] -= rate * x[j];
            }
            parameters.write(i * n, w, 0, n);
        }
    }

    private void stepWithMomentum(Direction direction, double rate, Matrix parameters, LayerState state) {
        int n = parameters.columns();
        Matrix momenta = state.tensor(STEP_MEAN);
        double[] x = new double[n];
        double[] m = new double[n];
        double[] w = new double[n];
        for (int i = 0; i < parameters.rows(); i++) {
            direction.read(i, x);
            momenta.read(i * n, m, 0, n);
            parameters.read(i * n, w, 0, n);
            for (int j = 0; j < n; j++) {
                m[j] = beta1 * m[j] + (1 - beta1) * rate * x[j];
                w[j] -= m[j];
            }
            momenta.write(i * n, m, 0, n);
            parameters.write(i * n, w, 0, n);
        }
        state.markDirty(STEP_MEAN);
    }

    /** Updates the means with a gradient and divides it by their root. */
    private Direction direction(Matrix gradient, long k, LayerState state) {
        int m = gradient.rows();
        int n = gradient.columns();
        double[] r = new double[m];
        double[] c = new double[n];
        double[] g = new double[n];
        for (int i = 0; i < m; i++) {
            gradient.read(i * n, g, 0, n);
            for (int j = 0; j < n; j++) {
                double u = g[j] * g[j] + epsilon1;
                r[i] += u / n;
                c[j] += u / m;
            }
        }
        double share = StrictMath.pow(k, -decayExponent);
        average(ROW_MEAN, r, share, state);
        average(COLUMN_MEAN, c, share, state);
        double mean = Arrays.stream(r).sum() / m;
        return new Direction(
                gradient,
                Arrays.stream(r).map(ri -> Math.sqrt(mean / ri)).toArray(),
                Arrays.stream(c).map(cj -> 1 / Math.sqrt(cj)).toArray());
    }

    /** Moves a stored mean by a share of the way to the fresh one, and puts the result into both. */
    private static void average(String tensor, double[] fresh, double share, LayerState state) {
        Matrix stored = state.tensor(tensor);
        double[] old = new double[fresh.length];
        stored.read(0, old, 0, old.length);
        for (int i = 0; i < fresh.length; i++) {
            fresh[i] = (1 - share) * old[i] + share * fresh[i];
        }
        stored.write(0, fresh, 0, fresh.length);
        state.markDirty(tensor);
    }

    /** X before clipping, row by row, so that no second matrix is needed. */
    private record Direction(Matrix gradient, double[] rowScale, double[] columnScale) {
        double size() {
            return (double) rowScale.length * columnScale.length;
        }

        void read(int row, double[] x) {
            gradient.read(row * x.length, x, 0, x.length);
            for (int j = 0; j < x.length; j++) {
                x[j] *= rowScale[row] * columnScale[j];
            }
        }

        double rootMeanSquare() {
            double[] x = new double[columnScale.length];
            double sum = 0;
            for (int i = 0; i < rowScale.length; i++) {
                read(i, x);
                for (double value : x) {
                    sum += value * value;
                }
            }
            return Math.sqrt(sum / size());
        }
    }
}
