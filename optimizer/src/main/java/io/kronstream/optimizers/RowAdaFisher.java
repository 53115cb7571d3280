// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.DiagonalFactors;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.RowGradient;
import java.util.Arrays;
import java.util.List;

/**
 * {@link AdaFisher} for embedding tables, which its authors leave out. A pooled vector is {@code E^T x}, x being the share
 * of each id in the example: a dense layer without bias whose input is x. So the factors are those of a dense layer,
 *
 * <pre>
 *   H_i = mean_t(x_ti^2)    how often an id comes        S_j = mean_t(q_tj^2)    of the vector's elements
 *   E_ij = E_ij - lr (M_ij / (1 - b^k)) / (S'_j H'_i + lambda)
 * </pre>
 *
 * with AdaFisher's averaging, interval and scaling to [0, 1]; the frequent ids get small steps, the rare ones large ones.
 *
 * <p>Only touched rows are read: the decay of H between two touches is made up for at the second, and as some id is always
 * absent, the least H is taken as 0; the largest is followed exactly, because between two averages all others only
 * decay. H and S start from the first mini-batch, in either preset. M and k are the row's own and stand still while it is not
 * touched; there is no weight decay. The id's weights for the outputs are a layer of their own with the same H;
 * with one output its S has range 0, so that F is lambda.
 *
 * <p>M is {@code momentum}, S {@code outputFactor}; {@code inputFactor}, rows x 3, holds H, the number of the average that
 * it is from, and k; {@code largest} is the largest H.
 */
final class RowAdaFisher implements RowOptimizer {
    private static final String STEPS = "steps";
    private static final String MOMENTUM = "momentum";
    private static final String INPUT_FACTOR = "inputFactor";
    private static final String OUTPUT_FACTOR = "outputFactor";
    private static final String LARGEST = "largest";
    private static final int AVERAGE = 1;
    private static final int TOUCHES = 2;

    private final double learningRate;
    private final double beta;
    private final double damping;
    private final int factorInterval;
    private final double oldWeight;
    private final double newWeight;
    private final boolean normalisedFirst;
    private final boolean meanLoss;
    private final double rangeEpsilon;

    RowAdaFisher(double learningRate, OptimizerSettings settings) {
        this.learningRate = learningRate;
        this.beta = settings.get(Knobs.BETA1);
        this.damping = settings.get(AdaFisher.DAMPING);
        this.factorInterval = settings.get(AdaFisher.FACTOR_INTERVAL);
        this.oldWeight = settings.get(AdaFisher.OLD_WEIGHT);
        this.newWeight = settings.get(AdaFisher.NEW_WEIGHT);
        this.normalisedFirst = settings.get(AdaFisher.NORMALISATION) == AdaFisher.Normalisation.BEFORE_AVERAGING;
        this.meanLoss = settings.get(AdaFisher.SCALE) == AdaFisher.Scale.MEAN_LOSS;
        this.rangeEpsilon = settings.get(AdaFisher.RANGE_EPSILON);
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(
                List.of(
                        TensorSpec.dense(MOMENTUM, rows, columns),
                        TensorSpec.dense(INPUT_FACTOR, rows, 3),
                        TensorSpec.dense(OUTPUT_FACTOR, 1, columns),
                        TensorSpec.dense(LARGEST, 1, 1)),
                List.of(STEPS));
    }

    @Override
    public void step(RowGradient gradient, Matrix table, LayerState state) {
        long before = state.counter(STEPS);
        state.setCounter(STEPS, before + 1);
        if (before % factorInterval == 0) {
            averageOutputs(gradient, state, before == 0);
            averageInputs(gradient, state, before / factorInterval + 1);
        }
        double[] s = new double[gradient.columns()];
        state.tensor(OUTPUT_FACTOR).read(0, s, 0, s.length);
        if (!normalisedFirst) {
            normalise(s, gradient.width());
        }
        update(gradient, table, state, s, before / factorInterval + 1);
    }

    private void averageOutputs(RowGradient gradient, LayerState state, boolean first) {
        Matrix stored = state.tensor(OUTPUT_FACTOR);
        double[] s = new double[gradient.columns()];
        double scale = meanLoss ? 1.0 / gradient.batch() : 1;
        for (int j = 0; j < s.length; j++) {
            s[j] = scale * scale * gradient.outputSquares(j) / gradient.batch();
        }
        if (normalisedFirst) {
            normalise(s, gradient.width());
        }
        for (int j = 0; j < s.length; j++) {
            double averaged = first ? s[j] : oldWeight * stored.get(0, j) + newWeight * s[j];
            stored.set(0, j, Math.min(AdaFisher.LARGEST_AVERAGE, averaged));
        }
        state.markDirty(OUTPUT_FACTOR);
    }

    private void averageInputs(RowGradient gradient, LayerState state, long average) {
        Matrix factor = state.tensor(INPUT_FACTOR);
        Matrix largest = state.tensor(LARGEST);
        double mostFrequent = 0;
        for (int i = 0; i < gradient.count(); i++) {
            mostFrequent = Math.max(mostFrequent, gradient.inputSquares(i) / gradient.batch());
        }
        double most = oldWeight * largest.get(0, 0);
        for (int i = 0; i < gradient.count(); i++) {
            int row = gradient.row(i);
            double fresh = gradient.inputSquares(i) / gradient.batch();
            if (normalisedFirst) {
                fresh /= mostFrequent + rangeEpsilon;
            }
            double averaged = average == 1 ? fresh : decayed(factor, row, average) + newWeight * fresh;
            factor.set(row, 0, Math.min(AdaFisher.LARGEST_AVERAGE, averaged));
            factor.set(row, AVERAGE, average);
            most = Math.max(most, factor.get(row, 0));
            state.markRowDirty(INPUT_FACTOR, row);
        }
        largest.set(0, 0, most);
        state.markDirty(LARGEST);
    }

    /** H of a row as it is at an average without it. */
    private double decayed(Matrix factor, int row, long average) {
        return factor.get(row, 0) * StrictMath.pow(oldWeight, average - factor.get(row, AVERAGE));
    }

    private void update(RowGradient gradient, Matrix table, LayerState state, double[] s, long average) {
        Matrix momentum = state.tensor(MOMENTUM);
        Matrix factor = state.tensor(INPUT_FACTOR);
        double range = state.tensor(LARGEST).get(0, 0) + rangeEpsilon;
        int n = gradient.columns();
        double[] row = new double[n];
        double[] m = new double[n];
        for (int i = 0; i < gradient.count(); i++) {
            int at = gradient.row(i);
            double h = factor.get(at, AVERAGE) == average ? factor.get(at, 0) : decayed(factor, at, average);
            if (!normalisedFirst) {
                h = range > 0 ? h / range : 0;
            }
            double k = factor.get(at, TOUCHES) + 1;
            factor.set(at, TOUCHES, k);
            double rate = learningRate / (1 - StrictMath.pow(beta, k));
            table.read(at * n, row, 0, n);
            momentum.read(at * n, m, 0, n);
            for (int j = 0; j < n; j++) {
                m[j] = beta * m[j] + (1 - beta) * gradient.get(i, j) / gradient.batch();
                row[j] -= rate * m[j] / (s[j] * h + damping);
            }
            momentum.write(at * n, m, 0, n);
            table.write(at * n, row, 0, n);
            state.markRowDirty(INPUT_FACTOR, at);
            state.markRowDirty(MOMENTUM, at);
        }
    }

    /** The vector's elements and the outputs' weights are two layers. */
    private void normalise(double[] s, int width) {
        normalise(s, 0, width);
        normalise(s, width, s.length);
    }

    private void normalise(double[] s, int from, int to) {
        double[] part = Arrays.copyOfRange(s, from, to);
        DiagonalFactors.normalise(part, rangeEpsilon);
        System.arraycopy(part, 0, s, from, part.length);
    }
}
