// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdaFisherTest {
    private static final double RATE = 0.01;
    private static final double DAMPING = 0.5;

    @ParameterizedTest
    @ValueSource(strings = {"adafisher", "adafisherw"})
    void aSingleOutputUnitStepsByTheDampingAlone(String name) {
        try (Layer layer =
                new Layer(name, Precision.DOUBLE, new double[][] {{3, 1}, {-5, 1}}, new double[][] {{2}, {4}})) {
            layer.step();
            // The first step of the momentum is the gradient: (3 * 2 - 5 * 4) / 2 and (2 + 4) / 2.
            assertThat(layer.weights.get(0, 0)).isCloseTo(RATE * 7 / DAMPING, within(1e-15));
            assertThat(layer.weights.get(0, 1)).isCloseTo(-RATE * 3 / DAMPING, within(1e-15));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"adafisher", "adafisherw"})
    void theEntryWithTheLargestFactorsIsDividedByOneMore(String name) {
        try (Layer layer = new Layer(name, Precision.DOUBLE, new double[][] {{4, 1}}, new double[][] {{1, 2}})) {
            layer.step();
            assertThat(layer.weights.get(1, 0)).isCloseTo(-RATE * 8 / (1 + DAMPING), within(1e-15));
            assertThat(layer.weights.get(0, 0)).isCloseTo(-RATE * 4 / DAMPING, within(1e-15));
            assertThat(layer.weights.get(1, 1)).isCloseTo(-RATE * 2 / DAMPING, within(1e-15));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"adafisher", "adafisher-code", "adafisherw", "adafisherw-code"})
    void inputsWhoseSquaresAreNoFloatsLeaveTheStateFinite(String name) {
        try (Layer layer =
                new Layer(name, Precision.FLOAT, new double[][] {{1e30, 1}}, new double[][] {{1e-25, 1e-30}})) {
            assertThat(layer.gradient.isFinite()).isTrue();
            for (int step = 0; step < 20; step++) {
                layer.step();
            }
            assertThat(layer.arena.tensor("inputFactor").squaredNorm()).isFinite();
            assertThat(layer.weights.squaredNorm()).isFinite();
        }
    }

    private static final class Layer implements AutoCloseable {
        final Optimizer optimizer;
        final Arena arena;
        final Matrix weights;
        final LayerGradient gradient;

        /** Weights of zero, and one mini-batch: inputs with the 1 of the bias, and pre-activation gradients. */
        Layer(String name, Precision precision, double[][] inputs, double[][] preActivationGradients) {
            optimizer = Optimizers.create(
                    OptimizerSettings.defaults(name)
                            .with(Knobs.LEARNING_RATE, RATE)
                            .with(AdaFisher.DAMPING, DAMPING)
                            .with(AdaFisher.FACTOR_INTERVAL, 1),
                    precision);
            Matrix activations = matrix(precision, inputs);
            Matrix deltas = matrix(precision, preActivationGradients);
            Matrix mean = Matrix.create(precision, deltas.columns(), activations.columns());
            mean.multiply(1.0 / activations.rows(), deltas, true, activations, false, 0);
            gradient = new LayerGradient(mean, activations, deltas);
            weights = Matrix.create(precision, mean.rows(), mean.columns());
            Memory memory = optimizer.memory(mean.rows(), mean.columns());
            arena = new Arena(precision, memory.tensors(), memory.counters());
        }

        private static Matrix matrix(Precision precision, double[][] rows) {
            Matrix matrix = Matrix.create(precision, rows.length, rows[0].length);
            for (int i = 0; i < rows.length; i++) {
                matrix.write(i * rows[i].length, rows[i], 0, rows[i].length);
            }
            return matrix;
        }

        void step() {
            optimizer.step(gradient, weights, new LayerState(arena, ""));
        }

        @Override
        public void close() {
            optimizer.close();
            arena.close();
            weights.close();
        }
    }
}
