// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerSpec.Activate;
import io.kronstream.network.LayerSpec.Dense;
import io.kronstream.network.LayerSpec.Norm;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Networks of all kinds of layers: tables with products, norms and activations in any order. */
class LayeredNetworkTest {
    private static final int NUMBERS = 3;
    private static final int ROWS = 5;
    private static final int OUTPUTS = 2;
    private static final double STEP = 1e-5;
    private static final double DIFFERENCE_TOLERANCE = 1e-7;
    private static final double FLOAT_ROUNDING = 2e-5;

    private static final Embedding USERS = new Embedding("user", 9, 3, Pooling.SUM);
    private static final Embedding TAGS = new Embedding("tags", 7, 2, Pooling.MEAN);
    private static final Embedding ITEMS = new Embedding("item", 8, 3, Pooling.SUM);

    static List<Architecture> architectures() {
        List<Embedding> tables = List.of(USERS, TAGS, ITEMS);
        List<Architecture.Product> products = List.of(new Architecture.Product(0, 2), new Architecture.Product(1, 1));
        List<List<LayerSpec>> stacks = List.of(
                List.of(),
                List.of(new Dense(4), new Activate(Activation.GELU)),
                List.of(new Norm(), new Dense(4), new Activate(Activation.TANH)),
                List.of(
                        new Activate(Activation.SIGMOID),
                        new Dense(5),
                        new Norm(),
                        new Activate(Activation.RELU),
                        new Dense(4),
                        new Activate(Activation.TANH),
                        new Norm(),
                        new Activate(Activation.GELU),
                        new Activate(Activation.SIGMOID)),
                List.of(new Dense(4), new Norm(), new Norm(), new Activate(Activation.IDENTITY), new Dense(3)));
        List<Architecture> architectures = new ArrayList<>();
        for (List<LayerSpec> layers : stacks) {
            architectures.add(new Architecture(NUMBERS, tables, products, layers, OUTPUTS, Loss.MEAN_SQUARED_ERROR));
            architectures.add(
                    new Architecture(NUMBERS, List.of(), List.of(), layers, OUTPUTS, Loss.BINARY_CROSS_ENTROPY));
            architectures.add(new Architecture(0, tables, List.of(), layers, OUTPUTS, Loss.SOFTMAX_CROSS_ENTROPY));
        }
        return architectures;
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void gradientsEqualFiniteDifferences(Architecture architecture) {
        Problem problem = new Problem(architecture, Precision.DOUBLE);
        problem.run();
        List<double[][]> gradients = problem.gradients();
        for (int p = 0; p < problem.parameters.size(); p++) {
            Matrix parameters = problem.parameters.get(p);
            for (int i = 0; i < parameters.rows(); i++) {
                for (int j = 0; j < parameters.columns(); j++) {
                    double w = parameters.get(i, j);
                    parameters.set(i, j, w + STEP);
                    double above = problem.run();
                    parameters.set(i, j, w - STEP);
                    double below = problem.run();
                    parameters.set(i, j, w);
                    assertThat(gradients.get(p)[i][j])
                            .as("parameters %d, %d, %d", p, i, j)
                            .isCloseTo((above - below) / (2 * STEP), within(DIFFERENCE_TOLERANCE));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void singlePrecisionEqualsReference(Architecture architecture) {
        Problem narrow = new Problem(architecture, Precision.FLOAT);
        Problem wide = new Problem(architecture, Precision.DOUBLE);
        double expected = wide.run();
        assertThat(narrow.run()).isCloseTo(expected, within(FLOAT_ROUNDING * expected));
        List<double[][]> actual = narrow.gradients();
        List<double[][]> reference = wide.gradients();
        for (int p = 0; p < actual.size(); p++) {
            double largest = 0;
            double difference = 0;
            for (int i = 0; i < actual.get(p).length; i++) {
                for (int j = 0; j < actual.get(p)[i].length; j++) {
                    largest = Math.max(largest, Math.abs(reference.get(p)[i][j]));
                    difference = Math.max(
                            difference, Math.abs(actual.get(p)[i][j] - reference.get(p)[i][j]));
                }
            }
            assertThat(difference).as("parameters %d", p).isLessThanOrEqualTo(FLOAT_ROUNDING * largest);
        }
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void onlyTouchedRowsHaveGradients(Architecture architecture) {
        Problem problem = new Problem(architecture, Precision.FLOAT);
        problem.run();
        for (int k = 0; k < architecture.embeddings().size(); k++) {
            Set<Integer> used = new HashSet<>();
            for (int[] ids : problem.ids) {
                int at = 0;
                for (int before = 0; before < k; before++) {
                    at += 1 + ids[at];
                }
                for (int i = 1; i <= ids[at]; i++) {
                    used.add(ids[at + i]);
                }
            }
            RowGradient gradient = problem.network.rowGradient(k);
            List<Integer> rows = new ArrayList<>();
            for (int i = 0; i < gradient.count(); i++) {
                rows.add(gradient.row(i));
            }
            assertThat(rows).isSorted().hasSameElementsAs(used).hasSize(used.size());
            assertThat(gradient.isFinite()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void aPassDoesNotDependOnThePassBefore(Architecture architecture) {
        Problem problem = new Problem(architecture, Precision.FLOAT);
        double expected = problem.run();
        problem.network.forward(problem.parameters, ROWS);
        problem.network.forward(problem.parameters, ROWS);
        assertThat(problem.network.backward(problem.parameters, problem.targets, ROWS))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void sampledGradientsLeaveTheTrueOnesAlone(Architecture architecture) {
        Problem problem = new Problem(architecture, Precision.DOUBLE);
        problem.run();
        List<double[][]> before = problem.gradients();
        Random random = new Random(1);
        problem.network.backwardSampled(
                problem.parameters,
                new Noise() {
                    @Override
                    public double nextDouble() {
                        return random.nextDouble();
                    }

                    @Override
                    public double nextNormal() {
                        return random.nextGaussian();
                    }
                },
                ROWS);
        List<double[][]> after = problem.gradients();
        for (int p = 0; p < before.size(); p++) {
            assertThat(after.get(p)).isDeepEqualTo(before.get(p));
        }
        assertThat(problem.network.gradient(0).sampledPreActivationGradients().rows())
                .isEqualTo(ROWS);
    }

    @Test
    void squaresOfARowAreThoseOfADenseLayerOnIds() {
        Architecture architecture = new Architecture(
                0,
                List.of(new Embedding("tags", 4, 1, Pooling.MEAN)),
                List.of(),
                List.of(),
                1,
                Loss.MEAN_SQUARED_ERROR);
        try (Network network = new Network(Precision.DOUBLE, architecture, 2)) {
            List<Matrix> parameters =
                    List.of(Matrix.create(Precision.DOUBLE, 1, 2), Matrix.create(Precision.DOUBLE, 4, 2));
            parameters.get(0).set(0, 0, 3);
            network.setIds(0, new int[] {4, 2, 2, 2, 0});
            network.setIds(1, new int[] {1, 2});
            network.forward(parameters, 2);
            network.backward(parameters, new double[] {-1, 2}, 2);
            RowGradient gradient = network.rowGradient(0);

            assertThat(gradient.row(0)).isZero();
            assertThat(gradient.row(1)).isEqualTo(2);
            assertThat(gradient.inputSquares(0)).isEqualTo(0.25 * 0.25);
            assertThat(gradient.inputSquares(1)).isEqualTo(0.75 * 0.75 + 1);
            assertThat(gradient.outputSquares(0)).isEqualTo(3 * 3 * (1 + 2 * 2));
            assertThat(gradient.outputSquares(1)).isEqualTo(1 + 2 * 2);
            assertThat(gradient.get(0, 0)).isEqualTo(0.25 * 3);
            assertThat(gradient.get(1, 1)).isEqualTo(0.75 - 2);
        }
    }

    @Test
    void idsThatAreNotInTheTableAreRefused() {
        Architecture architecture =
                new Architecture(0, List.of(USERS), List.of(), List.of(), 1, Loss.MEAN_SQUARED_ERROR);
        try (Network network = new Network(Precision.FLOAT, architecture, 1)) {
            assertThatThrownBy(() -> network.setIds(0, new int[] {1, 9}))
                    .hasMessage("An id of table user must lie in [0, 8], was 9");
            assertThatThrownBy(() -> network.setIds(0, new int[] {1, -1})).hasMessageContaining("was -1");
            assertThatThrownBy(() -> network.setIds(0, new int[] {2, 1}))
                    .hasMessage("The ids of table user are missing");
            assertThatThrownBy(() -> network.setIds(0, new int[] {})).hasMessageContaining("missing");
        }
    }

    private static final class Problem {
        final Network network;
        final List<Matrix> parameters = new ArrayList<>();
        final float[][] features;
        final int[][] ids = new int[ROWS][];
        final double[] targets;

        Problem(Architecture architecture, Precision precision) {
            network = new Network(precision, architecture, ROWS + 2);
            Random random = new Random(11);
            List<LayerShape> shapes = new ArrayList<>(network.shapes());
            shapes.addAll(network.norms());
            shapes.addAll(network.tables());
            for (LayerShape shape : shapes) {
                parameters.add(Samples.normal(precision, shape.rows(), shape.columns(), 0.7, random));
            }
            features = new float[ROWS][architecture.inputs()];
            for (int row = 0; row < ROWS; row++) {
                for (int j = 0; j < features[row].length; j++) {
                    features[row][j] = (float) random.nextGaussian();
                }
                List<Integer> all = new ArrayList<>();
                for (Embedding table : architecture.embeddings()) {
                    int count = row == 0 ? 0 : 1 + random.nextInt(3);
                    all.add(count);
                    for (int i = 0; i < count; i++) {
                        all.add(random.nextInt(table.ids()));
                    }
                }
                ids[row] = all.stream().mapToInt(Integer::intValue).toArray();
            }
            boolean classes = architecture.loss() == Loss.SOFTMAX_CROSS_ENTROPY;
            targets = new double[ROWS * OUTPUTS];
            for (int i = 0; i < targets.length; i++) {
                targets[i] = classes || architecture.loss() == Loss.BINARY_CROSS_ENTROPY
                        ? random.nextInt(2)
                        : random.nextGaussian();
            }
        }

        double run() {
            for (int row = 0; row < ROWS; row++) {
                network.setInput(row, features[row]);
                network.setIds(row, ids[row]);
            }
            network.forward(parameters, ROWS);
            return network.backward(parameters, targets, ROWS);
        }

        /** Of the mean loss, for each parameter matrix. */
        List<double[][]> gradients() {
            List<double[][]> gradients = new ArrayList<>();
            int dense = network.shapes().size();
            int norms = network.norms().size();
            for (int p = 0; p < parameters.size(); p++) {
                double[][] gradient =
                        new double[parameters.get(p).rows()][parameters.get(p).columns()];
                if (p < dense + norms) {
                    Matrix matrix = (p < dense ? network.gradient(p) : network.normGradient(p - dense)).gradient();
                    for (int i = 0; i < gradient.length; i++) {
                        for (int j = 0; j < gradient[i].length; j++) {
                            gradient[i][j] = matrix.get(i, j);
                        }
                    }
                } else {
                    RowGradient rows = network.rowGradient(p - dense - norms);
                    for (int i = 0; i < rows.count(); i++) {
                        for (int j = 0; j < rows.columns(); j++) {
                            gradient[rows.row(i)][j] = rows.get(i, j) / ROWS;
                        }
                    }
                }
                gradients.add(gradient);
            }
            return gradients;
        }
    }
}
