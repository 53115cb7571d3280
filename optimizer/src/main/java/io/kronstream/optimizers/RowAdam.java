// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.RowGradient;
import java.util.List;

/**
 * Adam whose clock is the row's own, with one second moment for the whole row.
 *
 * <p>For each touched row, at its k-th touch, with the gradient G of the mini-batch's summed loss:
 *
 * <pre>
 *   M = b1 M + (1 - b1) G            v = b2 v + (1 - b2) mean(G^2)
 *   row = row - lr (M / (1 - b1^k)) / (sqrt(v / (1 - b2^k)) + 1e-8)
 * </pre>
 *
 * <p>with b1 = 0.9 and b2 = 0.999. A row that is not touched does not move, and its moments do not decay: an id that comes
 * back after a year goes on where it was. The id's weights for the outputs have a second moment of their own.
 *
 * <p>M is {@code momentum}; {@code moments}, rows x 3, holds v of the vector, v of the weights, and k, which stops at 2^24.
 *
 * <p>Reference: Kingma and Ba 2015, arXiv 1412.6980, section 3 for k; departures as said.
 */
final class RowAdam implements RowOptimizer {
    private static final String MOMENTUM = "momentum";
    private static final String MOMENTS = "moments";
    private static final int TOUCHES = 2;
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPSILON = 1e-8;

    private final double learningRate;

    RowAdam(double learningRate) {
        this.learningRate = learningRate;
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(
                List.of(TensorSpec.dense(MOMENTUM, rows, columns), TensorSpec.dense(MOMENTS, rows, 3)), List.of());
    }

    @Override
    public void step(RowGradient gradient, Matrix table, LayerState state) {
        Matrix momentum = state.tensor(MOMENTUM);
        Matrix moments = state.tensor(MOMENTS);
        int n = gradient.columns();
        double[] row = new double[n];
        double[] m = new double[n];
        for (int i = 0; i < gradient.count(); i++) {
            int at = gradient.row(i);
            double k = moments.get(at, TOUCHES) + 1;
            moments.set(at, TOUCHES, k);
            table.read(at * n, row, 0, n);
            momentum.read(at * n, m, 0, n);
            for (int part = 0; part < 2; part++) {
                int from = part == 0 ? 0 : gradient.width();
                int to = part == 0 ? gradient.width() : n;
                double meanSquare = 0;
                for (int j = from; j < to; j++) {
                    double g = gradient.get(i, j);
                    meanSquare += g * g / (to - from);
                }
                moments.set(at, part, BETA2 * moments.get(at, part) + (1 - BETA2) * meanSquare);
                double root = Math.sqrt(moments.get(at, part) / (1 - StrictMath.pow(BETA2, k)));
                double rate = learningRate / (1 - StrictMath.pow(BETA1, k)) / (root + EPSILON);
                for (int j = from; j < to; j++) {
                    m[j] = BETA1 * m[j] + (1 - BETA1) * gradient.get(i, j);
                    row[j] -= rate * m[j];
                }
            }
            momentum.write(at * n, m, 0, n);
            table.write(at * n, row, 0, n);
            state.markRowDirty(MOMENTUM, at);
            state.markRowDirty(MOMENTS, at);
        }
    }
}
