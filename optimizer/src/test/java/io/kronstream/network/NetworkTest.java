// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkTest {
    private static final int INPUTS = 4;
    private static final List<Integer> HIDDEN = List.of(5, 3);
    private static final int ROWS = 6;
    private static final List<Loss> LOSSES = List.of(
            Loss.MEAN_SQUARED_ERROR,
            Loss.BINARY_CROSS_ENTROPY,
            Loss.SOFTMAX_CROSS_ENTROPY,
            Loss.POISSON,
            Loss.quantile(0.8));

    /** Central differences with a step of 1e-5 are accurate to about its square, times the third derivative. */
    private static final double STEP = 1e-5;

    private static final double DIFFERENCE_TOLERANCE = 1e-7;

    private static final double FLOAT_ROUNDING = 1e-5;

    static Stream<Arguments> cases() {
        return Arrays.stream(Activation.values())
                .flatMap(activation -> LOSSES.stream().map(loss -> Arguments.of(activation, loss)));
    }

    @Test
    void sampledTargetsFollowThePredictedDistribution() {
        int rows = 1000;
        double logit = -0.8;
        try (Network network = new Network(
                        Precision.DOUBLE, 1, List.of(), 1, Activation.RELU, Loss.BINARY_CROSS_ENTROPY, rows);
                Matrix weights = Matrix.create(Precision.DOUBLE, 1, 2)) {
            weights.set(0, 1, logit);
            network.forward(List.of(weights), rows);
            network.backward(List.of(weights), new double[rows], rows);
            assertThatThrownBy(() -> network.gradient(0).sampledPreActivationGradients())
                    .hasMessageContaining("sampled");
            Matrix gradients = network.gradient(0).preActivationGradients();
            double probability = gradients.get(0, 0);

            network.backwardSampled(List.of(weights), new Grid(rows), rows);

            Matrix sampled = network.gradient(0).sampledPreActivationGradients();
            int ones = 0;
            for (int row = 0; row < rows; row++) {
                boolean one = sampled.get(row, 0) < 0;
                assertThat(sampled.get(row, 0)).isEqualTo(one ? probability - 1 : probability);
                ones += one ? 1 : 0;
            }
            assertThat(ones / (double) rows).isCloseTo(1 / (1 + Math.exp(-logit)), within(1.0 / rows));
            // The true targets' gradients are still there.
            assertThat(gradients.get(rows - 1, 0)).isEqualTo(probability);
        }
    }

    /** Numbers that cover the unit interval evenly. */
    private static final class Grid implements Noise {
        private final int size;
        private int next;

        Grid(int size) {
            this.size = size;
        }

        @Override
        public double nextDouble() {
            return next++ / (double) size;
        }

        @Override
        public double nextNormal() {
            throw new AssertionError("A label of two classes needs no normal number");
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void gradientsEqualFiniteDifferences(Activation activation, Loss loss) {
        Problem problem = new Problem(activation, loss, Precision.DOUBLE, ROWS);
        for (int layer = 0; layer < problem.parameters.size(); layer++) {
            problem.run();
            Matrix weights = problem.parameters.get(layer);
            Matrix gradient =
                    Samples.as(Precision.DOUBLE, problem.network.gradient(layer).gradient());
            for (int i = 0; i < weights.rows(); i++) {
                for (int j = 0; j < weights.columns(); j++) {
                    double w = weights.get(i, j);
                    weights.set(i, j, w + STEP);
                    double above = problem.run();
                    weights.set(i, j, w - STEP);
                    double below = problem.run();
                    weights.set(i, j, w);
                    assertThat(gradient.get(i, j))
                            .as("layer %d, %d, %d", layer, i, j)
                            .isCloseTo(
                                    (above - below) / (2 * STEP),
                                    within(DIFFERENCE_TOLERANCE * Math.max(1, Math.abs(gradient.get(i, j)))));
                }
            }
        }
    }

    @Test
    void anExampleOfWeightTwoCountsAsTwo() {
        double[][] rows = {{0.3, -1.2}, {2.0, 0.4}, {-0.7, 0.9}};
        double[] targets = {1, -2, 0.5};
        try (Network network =
                        new Network(Precision.DOUBLE, 2, List.of(), 1, Activation.RELU, Loss.MEAN_SQUARED_ERROR, 4);
                Matrix parameters = Matrix.create(Precision.DOUBLE, 1, 3)) {
            parameters.set(0, 0, 0.5);
            parameters.set(0, 1, -0.25);
            List<Matrix> all = List.of(parameters);

            double[][] twice = {rows[0], rows[0], rows[1]};
            fill(network, twice);
            network.forward(all, 3);
            double expectedLoss = network.backward(all, new double[] {1, 1, -2}, 3);
            Matrix expected = Samples.as(Precision.DOUBLE, network.gradient(0).gradient());

            fill(network, rows);
            network.forward(all, 3);
            double loss = network.backward(all, targets, new double[] {4, 2, 0}, 3);
            assertThat(loss).isCloseTo(expectedLoss, within(1e-15));
            assertThat(network.loss(targets, 3)).isEqualTo(loss);
            for (int column = 0; column < 3; column++) {
                assertThat(network.gradient(0).gradient().get(0, column))
                        .isCloseTo(expected.get(0, column), within(1e-15));
            }

            network.forward(all, 3);
            assertThat(network.backward(all, targets, new double[3], 3)).isZero();
            assertThat(network.gradient(0).squaredNorm()).isZero();
        }
    }

    private static void fill(Network network, double[][] rows) {
        for (int row = 0; row < rows.length; row++) {
            network.setInput(row, new float[] {(float) rows[row][0], (float) rows[row][1]});
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void singlePrecisionEqualsReference(Activation activation, Loss loss) {
        Problem narrow = new Problem(activation, loss, Precision.FLOAT, ROWS);
        Problem wide = new Problem(activation, loss, Precision.DOUBLE, ROWS);

        double expected = wide.run();
        assertThat(narrow.run()).isCloseTo(expected, within(FLOAT_ROUNDING * expected));

        for (int layer = 0; layer < HIDDEN.size() + 1; layer++) {
            LayerGradient actual = narrow.network.gradient(layer);
            LayerGradient reference = wide.network.gradient(layer);
            assertThat(Samples.relativeError(actual.gradient(), reference.gradient()))
                    .isLessThan(FLOAT_ROUNDING);
            assertThat(Samples.relativeError(actual.activations(), reference.activations()))
                    .isLessThan(FLOAT_ROUNDING);
            assertThat(Samples.relativeError(actual.preActivationGradients(), reference.preActivationGradients()))
                    .isLessThan(FLOAT_ROUNDING);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 6})
    void gradientIsTheProductOfItsThinFactors(int rows) {
        Problem problem = new Problem(Activation.TANH, Loss.MEAN_SQUARED_ERROR, Precision.DOUBLE, rows);
        problem.run();
        for (int layer = 0; layer < problem.parameters.size(); layer++) {
            LayerGradient gradient = problem.network.gradient(layer);
            assertThat(gradient.batch()).isEqualTo(rows);
            Matrix product = Matrix.create(
                    Precision.DOUBLE,
                    gradient.gradient().rows(),
                    gradient.gradient().columns());
            product.multiply(1.0 / rows, gradient.preActivationGradients(), true, gradient.activations(), false, 0);
            assertThat(Samples.relativeError(product, gradient.gradient())).isLessThan(1e-12);
            for (int row = 0; row < rows; row++) {
                int last = gradient.activations().columns() - 1;
                assertThat(gradient.activations().get(row, last)).isEqualTo(1);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatAnEarlierBatchLeftBehindDoesNotMatter(Activation activation, Loss loss) {
        Problem fresh = new Problem(activation, loss, Precision.FLOAT, 2);
        Problem used = new Problem(activation, loss, Precision.FLOAT, ROWS);
        double expected = fresh.run();
        used.run();
        used.rows = 2;

        assertThat(used.run()).isEqualTo(expected);
        for (int layer = 0; layer < HIDDEN.size() + 1; layer++) {
            assertThat(Samples.relativeError(
                            used.network.gradient(layer).gradient(),
                            fresh.network.gradient(layer).gradient()))
                    .isZero();
        }
    }

    @Test
    void extremeLogitsGiveFiniteLosses() {
        double[] gradient = new double[1];
        assertThat(Loss.BINARY_CROSS_ENTROPY.evaluate(new double[] {1000}, new double[] {0}, 0, gradient))
                .isEqualTo(1000);
        assertThat(gradient[0]).isEqualTo(1);
        assertThat(Loss.BINARY_CROSS_ENTROPY.evaluate(new double[] {-1000}, new double[] {0}, 0, gradient))
                .isZero();
        assertThat(gradient[0]).isZero();
        double[] two = new double[2];
        assertThat(Loss.SOFTMAX_CROSS_ENTROPY.evaluate(new double[] {1000, 0}, new double[] {1}, 0, two))
                .isEqualTo(1000);
        assertThat(two).containsExactly(1, -1);
    }

    @Test
    void quantileLossIsSteeperOnTheRarerSide() {
        double[] gradient = new double[2];
        double loss = Loss.quantile(0.9).evaluate(new double[] {1, 1}, new double[] {3, 0}, 0, gradient);
        assertThat(loss).isCloseTo(0.9 * 2 + 0.1 * 1, within(1e-15));
        assertThat(gradient[0]).isEqualTo(-0.9);
        assertThat(gradient[1]).isCloseTo(0.1, within(1e-15));
        assertThatThrownBy(() -> Loss.quantile(1))
                .hasMessage("The level of a quantile must lie between 0 and 1, was 1.0");
    }

    /** The derivative of a negative logarithm of a density has mean 0 where targets are drawn from it. */
    @ParameterizedTest
    @ValueSource(doubles = {-1, 0.5, 3, 5})
    void sampledTargetsHaveGradientsOfMeanZero(double z) {
        Random random = new Random(3);
        Noise noise = new Noise() {
            @Override
            public double nextDouble() {
                return random.nextDouble();
            }

            @Override
            public double nextNormal() {
                return random.nextGaussian();
            }
        };
        int draws = 20_000;
        for (Loss loss : LOSSES) {
            double[] outputs = {z, -z / 2, 0};
            double[] targets = new double[3];
            double[] gradient = new double[3];
            double sum = 0;
            double squares = 0;
            for (int i = 0; i < draws; i++) {
                loss.sample(outputs, noise, targets);
                loss.evaluate(outputs, targets, 0, gradient);
                sum += gradient[0];
                squares += gradient[0] * gradient[0];
            }
            double error = Math.sqrt(squares) / draws;
            assertThat(sum / draws).as(loss.toString()).isCloseTo(0, within(5 * error));
        }
    }

    @Test
    void classesOutOfRangeAreRefused() {
        assertThatThrownBy(() -> Loss.SOFTMAX_CROSS_ENTROPY.evaluate(new double[2], new double[] {2}, 0, new double[2]))
                .hasMessage("A class must be an index below 2, was 2.0");
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, 1e19, -1e30})
    void gradientsThatWouldOverflowAreNotFinite(double value) {
        Matrix gradient = Matrix.create(Precision.FLOAT, 3, 4);
        assertThat(new LayerGradient(gradient).isFinite()).isTrue();
        gradient.set(2, 1, 1e18);
        assertThat(new LayerGradient(gradient).isFinite()).isTrue();
        gradient.set(2, 1, value);
        assertThat(new LayerGradient(gradient).isFinite()).isFalse();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void nonFiniteFeaturesReachEveryGradientCheck(Activation activation, Loss loss) {
        Problem problem = new Problem(activation, loss, Precision.FLOAT, ROWS);
        problem.features[3][1] = Float.NaN;
        problem.run();
        assertThat(problem.network.gradient(0).isFinite()).isFalse();
    }

    private static final class Problem {
        final Network network;
        final List<Matrix> parameters = new ArrayList<>();
        final float[][] features = new float[ROWS][INPUTS];
        final double[] targets;
        int rows;

        Problem(Activation activation, Loss loss, Precision precision, int rows) {
            int outputs = 3;
            this.rows = rows;
            network = new Network(precision, INPUTS, HIDDEN, outputs, activation, loss, ROWS);
            Random random = new Random(11);
            for (LayerShape shape : network.shapes()) {
                parameters.add(Samples.normal(precision, shape.rows(), shape.columns(), 0.7, random));
            }
            for (float[] example : features) {
                for (int j = 0; j < INPUTS; j++) {
                    example[j] = (float) random.nextGaussian();
                }
            }
            targets = new double[ROWS * outputs];
            for (int i = 0; i < targets.length; i++) {
                targets[i] = loss == Loss.MEAN_SQUARED_ERROR || loss == LOSSES.get(4)
                        ? random.nextGaussian()
                        : random.nextInt(2);
            }
        }

        double run() {
            for (int row = 0; row < rows; row++) {
                network.setInput(row, features[row]);
            }
            network.forward(parameters, rows);
            return network.backward(parameters, targets, rows);
        }
    }
}
