// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import io.kronstream.network.RowGradient;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RowOptimizerTest {
    private static final double ROUNDING = 1e-9;
    private static final int IDS = 6;
    private static final int WIDTH = 3;
    private static final int BATCH = 4;

    /** A table is a dense layer whose input tells the ids; its momentum is off, as rows that are absent keep theirs. */
    @ParameterizedTest
    @ValueSource(strings = {"adafisher", "adafisherw"})
    void adaFisherOfRowsEqualsThatOfADenseLayerOnIds(String name) {
        OptimizerSettings settings = OptimizerSettings.defaults(name)
                .with(Knobs.BETA1, 0.0)
                .with(AdaFisher.FACTOR_INTERVAL, 2)
                .with(AdaFisher.DAMPING, 0.1)
                .with(Knobs.LEARNING_RATE, 0.01);
        RowOptimizer rows = RowMethod.ADAFISHER.create(0.01, settings);
        Optimizer dense = new AdaFisher(settings, 0);
        try (Arena ofRows = arena(rows.memory(IDS, WIDTH + 1));
                Arena ofDense = arena(dense.memory(WIDTH, IDS))) {
            Matrix table = Matrix.create(Precision.DOUBLE, IDS, WIDTH + 1);
            Matrix weights = Matrix.create(Precision.DOUBLE, WIDTH, IDS);
            Random random = new Random(2);
            for (int step = 0; step < 9; step++) {
                Batch batch = new Batch(random);
                rows.step(batch.rows(), table, new LayerState(ofRows, ""));
                dense.step(batch.dense(), weights, new LayerState(ofDense, ""));
                for (int id = 0; id < IDS; id++) {
                    for (int j = 0; j < WIDTH; j++) {
                        assertThat(table.get(id, j))
                                .as("step %d, id %d, %d", step, id, j)
                                .isCloseTo(weights.get(j, id), within(ROUNDING));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0.1,1e-3"})
    void adagradDividesByTheRootOfTheRowsMeanSquares(double rate, double epsilon) {
        RowOptimizer adagrad = RowMethod.ADAGRAD.create(rate, OptimizerSettings.defaults("adam"));
        try (Arena arena = arena(adagrad.memory(IDS, WIDTH + 1))) {
            Matrix table = Matrix.create(Precision.DOUBLE, IDS, WIDTH + 1);
            double[] row = new double[WIDTH + 1];
            double ofVector = 0;
            double ofWeight = 0;
            for (int step = 1; step <= 3; step++) {
                double[] g = {step, -2, 0.5, 3.0 / step};
                ofVector += (g[0] * g[0] + g[1] * g[1] + g[2] * g[2]) / 3;
                ofWeight += g[3] * g[3];
                for (int j = 0; j < g.length; j++) {
                    row[j] -= rate * g[j] / (Math.sqrt(j < WIDTH ? ofVector : ofWeight) + epsilon);
                }
                RowGradient gradient =
                        new RowGradient(WIDTH, BATCH, new int[] {2}, g, new double[] {1}, new double[WIDTH + 1]);
                adagrad.step(gradient, table, new LayerState(arena, ""));
            }
            for (int j = 0; j < row.length; j++) {
                assertThat(table.get(2, j)).isCloseTo(row[j], within(ROUNDING));
            }
        }
    }

    /** Gradients of size 1e-18 and 1e18, and of zero, leave finite tables. */
    @ParameterizedTest
    @EnumSource(RowMethod.class)
    void extremeGradientsLeaveFiniteTables(RowMethod method) {
        RowOptimizer optimizer = method.create(0.1, OptimizerSettings.defaults("adam"));
        for (double size : new double[] {0, 1e-30, 1e-18, 1, 1e18}) {
            Memory memory = optimizer.memory(IDS, WIDTH + 1);
            try (Arena arena = new Arena(Precision.FLOAT, memory.tensors(), memory.counters())) {
                Matrix table = Matrix.create(Precision.FLOAT, IDS, WIDTH + 1);
                for (int step = 0; step < 20; step++) {
                    double[] g = {size, -size, 0, size};
                    double square = size * size;
                    RowGradient gradient =
                            new RowGradient(WIDTH, BATCH, new int[] {step % IDS}, g, new double[] {1}, new double[] {
                                square, square, 0, square
                            });
                    assertThat(gradient.isFinite()).isTrue();
                    optimizer.step(gradient, table, new LayerState(arena, ""));
                }
                assertThat(table.squaredNorm()).as("size %s", size).isFinite();
                memory.tensors().forEach(tensor -> assertThat(
                                arena.tensor(tensor.name()).squaredNorm())
                        .as("%s at size %s", tensor.name(), size)
                        .isNotNaN());
            }
        }
    }

    private static Arena arena(Memory memory) {
        return new Arena(Precision.DOUBLE, memory.tensors(), memory.counters());
    }

    /** Each example has one of the first five ids. */
    private static final class Batch {
        private final int[] ids = new int[BATCH];
        private final double[][] deltas = new double[BATCH][WIDTH];

        Batch(Random random) {
            for (int t = 0; t < BATCH; t++) {
                ids[t] = random.nextInt(IDS - 1);
                for (int j = 0; j < WIDTH; j++) {
                    deltas[t][j] = random.nextGaussian();
                }
            }
        }

        LayerGradient dense() {
            Matrix activations = Matrix.create(Precision.DOUBLE, BATCH, IDS);
            Matrix gradients = Matrix.create(Precision.DOUBLE, BATCH, WIDTH);
            Matrix gradient = Matrix.create(Precision.DOUBLE, WIDTH, IDS);
            for (int t = 0; t < BATCH; t++) {
                activations.set(t, ids[t], 1);
                gradients.write(t * WIDTH, deltas[t], 0, WIDTH);
            }
            gradient.multiply(1.0 / BATCH, gradients, true, activations, false, 0);
            return new LayerGradient(gradient, activations, gradients);
        }

        RowGradient rows() {
            int[] touched = Arrays.stream(ids).sorted().distinct().toArray();
            double[] gradients = new double[touched.length * (WIDTH + 1)];
            double[] inputSquares = new double[touched.length];
            double[] outputSquares = new double[WIDTH + 1];
            for (int t = 0; t < BATCH; t++) {
                int slot = Arrays.binarySearch(touched, ids[t]);
                inputSquares[slot]++;
                for (int j = 0; j < WIDTH; j++) {
                    gradients[slot * (WIDTH + 1) + j] += deltas[t][j];
                    outputSquares[j] += deltas[t][j] * deltas[t][j];
                }
            }
            return new RowGradient(WIDTH, BATCH, touched, gradients, inputSquares, outputSquares);
        }
    }
}
