// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.RowGradient;
import java.util.List;

/**
 * Divides the gradient of each row by the root of one sum for the whole row: of the mean squares of its gradients so far.
 *
 * <p>For each touched row, with the gradient G of the mini-batch's summed loss, which does not shrink with the number of
 * examples that have nothing to do with the row:
 *
 * <pre>
 *   a = a + mean(G^2)        row = row - lr G / (sqrt(a) + 1e-3)
 * </pre>
 *
 * <p>The id's weights for the outputs, at the end of the row, have a sum of their own. Sums stop at 1e37, within a float.
 *
 * <p>a is {@code squares}, rows x 2: of the vector and of the weights.
 *
 * <p>Reference: Duchi, Hazan and Singer 2011, with one accumulator per row as in Gupta, Bengio and Weston 2014, section
 * 4.
 */
final class RowAdagrad implements RowOptimizer {
    private static final String SQUARES = "squares";
    private static final double EPSILON = 1e-3;
    private static final double LARGEST_SUM = 1e37;

    private final double learningRate;

    RowAdagrad(double learningRate) {
        this.learningRate = learningRate;
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(List.of(TensorSpec.dense(SQUARES, rows, 2)), List.of());
    }

    @Override
    public void step(RowGradient gradient, Matrix table, LayerState state) {
        Matrix squares = state.tensor(SQUARES);
        double[] row = new double[gradient.columns()];
        for (int i = 0; i < gradient.count(); i++) {
            int at = gradient.row(i);
            table.read(at * row.length, row, 0, row.length);
            step(gradient, i, 0, gradient.width(), 0, row, squares);
            step(gradient, i, gradient.width(), row.length, 1, row, squares);
            table.write(at * row.length, row, 0, row.length);
            state.markRowDirty(SQUARES, at);
        }
    }

    private void step(RowGradient gradient, int i, int from, int to, int sum, double[] row, Matrix squares) {
        double meanSquare = 0;
        for (int j = from; j < to; j++) {
            double g = gradient.get(i, j);
            meanSquare += g * g / (to - from);
        }
        squares.set(gradient.row(i), sum, Math.min(LARGEST_SUM, squares.get(gradient.row(i), sum) + meanSquare));
        double rate = learningRate / (Math.sqrt(squares.get(gradient.row(i), sum)) + EPSILON);
        for (int j = from; j < to; j++) {
            row[j] -= rate * gradient.get(i, j);
        }
    }
}
