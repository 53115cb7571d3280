// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshMethod;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** SOAP and DyKAF where one side is too long for a factor, against the definition written out. */
class OneSidedTest {
    private static final int LIMIT = 4;
    private static final int STEPS = 30;
    private static final double ROUNDING = 1e-9;

    @ParameterizedTest
    @CsvSource({"soap, 3, 6", "soap, 6, 3", "dykaf, 3, 6", "dykaf, 6, 3"})
    void onlyTheShortSideIsRotated(String name, int rows, int columns) {
        OptimizerSettings settings = OptimizerSettings.defaults(name)
                .with(EigenbasisOptimizer.MAX_SIDE, LIMIT)
                .with(EigenbasisOptimizer.RELATIVE_EPSILON, 0.0)
                .with(Knobs.REFRESH_INTERVAL, 1)
                .with(Knobs.REFRESH_METHOD, RefreshMethod.EIGENDECOMPOSITION);
        boolean left = rows < columns;
        try (Optimizer optimizer = Optimizers.create(settings, Precision.DOUBLE);
                EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE)) {
            Memory memory = optimizer.memory(rows, columns);
            assertThat(memory.tensors())
                    .extracting(TensorSpec::name)
                    .containsExactly(
                            "momentum", "secondMoment", left ? "left" : "right", left ? "leftBasis" : "rightBasis");
            assertThat(optimizer.sides(rows, columns)).isEqualTo(List.of(left ? RefreshTask.LEFT : RefreshTask.RIGHT));
            LayerState state = new LayerState(new Arena(Precision.DOUBLE, memory.tensors(), memory.counters()), "");
            Matrix weights = Matrix.create(Precision.DOUBLE, rows, columns);
            Definition definition = new Definition(settings, rows, columns);
            for (int step = 0; step < STEPS; step++) {
                Matrix gradient = Samples.normal(Precision.DOUBLE, rows, columns, 1, new Random(step));
                optimizer.step(new LayerGradient(gradient), weights, state);
                for (RefreshTask task : optimizer.due(state)) {
                    optimizer.install(state, task.side(), refresh.compute(task));
                }
                definition.step(gradient);
            }
            assertThat(Samples.relativeError(weights, definition.weights)).isLessThan(ROUNDING);
        }
    }

    @Test
    void withoutAnyFactorItIsAdam() {
        OptimizerSettings soap = OptimizerSettings.defaults("soap").with(EigenbasisOptimizer.MAX_SIDE, 2);
        try (Optimizer optimizer = Optimizers.create(soap, Precision.DOUBLE)) {
            assertThat(optimizer.sides(3, 4)).isEmpty();
            assertThat(optimizer.memory(3, 4).tensors())
                    .extracting(TensorSpec::name)
                    .containsExactly("momentum", "secondMoment");
        }
    }

    /** With an unrotated momentum, the short side always first: a tall gradient is transposed. */
    private static final class Definition {
        final OptimizerSettings settings;
        final boolean tall;
        final Matrix weights;
        final double[][] w;
        final double[][] momentum;
        final double[][] squares;
        final double[][] factor;
        double[][] basis;
        int k = -1;

        Definition(OptimizerSettings settings, int rows, int columns) {
            this.settings = settings;
            this.tall = rows > columns;
            this.weights = Matrix.create(Precision.DOUBLE, rows, columns);
            int m = Math.min(rows, columns);
            int n = Math.max(rows, columns);
            w = new double[m][n];
            momentum = new double[m][n];
            squares = new double[m][n];
            factor = new double[m][m];
        }

        void step(Matrix gradient) {
            int m = w.length;
            int n = w[0].length;
            double[][] g = new double[m][n];
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    g[i][j] = tall ? gradient.get(j, i) : gradient.get(i, j);
                }
            }
            k++;
            if (k > 0) {
                move(g);
            }
            double b = settings.get(EigenbasisOptimizer.FACTOR_BETA);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < m; j++) {
                    double sum = 0;
                    for (int l = 0; l < n; l++) {
                        sum += g[i][l] * g[j][l];
                    }
                    factor[i][j] = b * factor[i][j] + (1 - b) * sum;
                }
            }
            Matrix eigenvectors = Matrix.create(Precision.DOUBLE, m, m);
            for (int i = 0; i < m; i++) {
                eigenvectors.write(i * m, factor[i], 0, m);
            }
            eigenvectors.eigenvectors(null);
            basis = new double[m][m];
            for (int i = 0; i < m; i++) {
                eigenvectors.read(i * m, basis[i], 0, m);
            }
        }

        private void move(double[][] g) {
            double b1 = settings.get(Knobs.BETA1);
            double b2 = settings.get(Knobs.BETA2);
            double rate = settings.get(Knobs.LEARNING_RATE) * Math.sqrt(1 - Math.pow(b2, k)) / (1 - Math.pow(b1, k));
            int m = g.length;
            int n = g[0].length;
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    momentum[i][j] = b1 * momentum[i][j] + (1 - b1) * g[i][j];
                }
            }
            for (int r = 0; r < m; r++) {
                for (int j = 0; j < n; j++) {
                    double rotated = 0;
                    double mean = 0;
                    for (int i = 0; i < m; i++) {
                        rotated += basis[i][r] * g[i][j];
                        mean += basis[i][r] * momentum[i][j];
                    }
                    squares[r][j] = b2 * squares[r][j] + (1 - b2) * rotated * rotated;
                    double direction = mean / (Math.sqrt(squares[r][j]) + settings.get(Knobs.EPSILON));
                    for (int i = 0; i < m; i++) {
                        w[i][j] -= rate * basis[i][r] * direction;
                    }
                }
            }
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    weights.set(tall ? j : i, tall ? i : j, w[i][j]);
                }
            }
        }
    }
}
