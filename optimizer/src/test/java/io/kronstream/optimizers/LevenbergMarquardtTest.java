// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import io.kronstream.optimizers.KroneckerOptimizer.Adaptation;
import io.kronstream.optimizers.KroneckerOptimizer.FactorNames;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damping that follows how well the quadratic model predicts the loss. */
class LevenbergMarquardtTest {
    private static final int INTERVAL = 5;
    private static final int ROWS = 4;
    private static final int COLUMNS = 3;
    private static final double BASE = Math.pow(0.95, INTERVAL);

    @ParameterizedTest
    @ValueSource(strings = {"kfac", "kpsvd", "deflation", "lanczos", "kfac-corrected"})
    void thePredictionIsTheQuadraticModels(String name) {
        try (Run run = new Run(name)) {
            Matrix gradient = null;
            Matrix before = null;
            for (int step = 0; step < INTERVAL; step++) {
                before = Samples.as(Precision.DOUBLE, run.weights);
                gradient = run.step(step);
            }
            double[][] d = new double[ROWS][COLUMNS];
            double linear = 0;
            double quadratic = 0;
            for (int i = 0; i < ROWS; i++) {
                for (int j = 0; j < COLUMNS; j++) {
                    d[i][j] = run.weights.get(i, j) - before.get(i, j);
                    linear += gradient.get(i, j) * d[i][j];
                    quadratic += run.optimizer.damping(run.state) * d[i][j] * d[i][j];
                }
            }
            for (FactorNames names : run.optimizer.products()) {
                Matrix g = run.state.tensor(names.left());
                Matrix a = run.state.tensor(names.right());
                for (int i = 0; i < ROWS * COLUMNS; i++) {
                    for (int j = 0; j < ROWS * COLUMNS; j++) {
                        quadratic += d[i / COLUMNS][i % COLUMNS]
                                * g.get(i / COLUMNS, j / COLUMNS)
                                * a.get(i % COLUMNS, j % COLUMNS)
                                * d[j / COLUMNS][j % COLUMNS];
                    }
                }
            }
            double model = linear + quadratic / 2;

            assertThat(run.state.tensor("modelChange").get(0, 0)).isCloseTo(model, within(1e-12 * Math.abs(model)));
        }
    }

    @Test
    void theDampingFollowsTheRatio() {
        try (Run run = new Run("kfac")) {
            for (int step = 0; step < INTERVAL; step++) {
                run.step(step);
                assertThat(run.optimizer.wantsLossAfter(run.state)).isEqualTo(step == INTERVAL - 1);
            }
            double lambda = run.optimizer.damping(run.state);
            run.state.tensor("modelChange").set(0, 0, -1);

            run.judge(-0.8);
            assertThat(run.optimizer.damping(run.state)).isCloseTo(lambda * BASE, within(1e-15));
            run.judge(-0.5);
            assertThat(run.optimizer.damping(run.state)).isCloseTo(lambda * BASE, within(1e-15));
            run.judge(0.3);
            assertThat(run.optimizer.damping(run.state)).isCloseTo(lambda, within(1e-15));
            run.judge(Double.NaN);
            assertThat(run.optimizer.damping(run.state)).isCloseTo(lambda / BASE, within(1e-15));
        }
    }

    @Test
    void theDampingStaysWithinAFactorOfAMillion() {
        try (Run run = new Run("kfac")) {
            run.step(0);
            run.state.tensor("modelChange").set(0, 0, -1);
            for (int i = 0; i < 200; i++) {
                run.judge(1);
            }
            assertThat(run.optimizer.damping(run.state)).isBetween(0.03 * 9e5, 0.03 * 1.1e6);
        }
    }

    private static final class Run implements AutoCloseable {
        final KroneckerOptimizer optimizer;
        final LayerState state;
        final Matrix weights = Matrix.create(Precision.DOUBLE, ROWS, COLUMNS);

        Run(String name) {
            optimizer = (KroneckerOptimizer) Optimizers.create(
                    OptimizerSettings.defaults(name)
                            .with(KroneckerOptimizer.ADAPTATION, Adaptation.LEVENBERG_MARQUARDT)
                            .with(KroneckerOptimizer.ADAPTATION_INTERVAL, INTERVAL),
                    Precision.DOUBLE);
            Memory memory = optimizer.memory(ROWS, COLUMNS);
            state = new LayerState(new Arena(Precision.DOUBLE, memory.tensors(), memory.counters()), "");
        }

        Matrix step(int seed) {
            Random random = new Random(seed);
            int batch = 8;
            Matrix activations = Samples.normal(Precision.DOUBLE, batch, COLUMNS, 1, random);
            Matrix derivatives = Samples.normal(Precision.DOUBLE, batch, ROWS, 1, random);
            Matrix gradient = Matrix.create(Precision.DOUBLE, ROWS, COLUMNS);
            gradient.multiply(1.0 / batch, derivatives, true, activations, false, 0);
            optimizer.step(new LayerGradient(gradient, activations, derivatives, derivatives), weights, state);
            return gradient;
        }

        void judge(double change) {
            optimizer.judge(2, 2 + change, List.of(state));
        }

        @Override
        public void close() {
            optimizer.close();
        }
    }
}
