// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Mini-batches of fewer examples than a layer has units leave directions unseen. What they hold are rounding errors, which
 * a step must not amplify. Optimizers that divide single weights' moments by each other make no such promise: their directions
 * are single inputs and units, and a silent one has a gradient of exactly zero.
 */
class RankDeficiencyTest {
    private static final int ROWS = 12;
    private static final int COLUMNS = 10;
    private static final int SEEN = 2;
    private static final int STEPS = 120;

    /** What leaves the seen directions, relative to what stays in them. */
    private static final double FLOAT_LEAK = 5e-3;

    private static final double DOUBLE_LEAK = 1e-6;

    private static final Set<String> OF_SINGLE_WEIGHTS = Set.of(
            "adam",
            "adamw",
            "adahessian",
            "adafactor",
            "adagrad",
            "ftrl",
            "adafisher",
            "adafisher-code",
            "adafisherw",
            "adafisherw-code");

    static Stream<Arguments> cases() {
        return OptimizerTable.all()
                .filter(settings -> !dividesSingleWeights(settings))
                .flatMap(settings -> Stream.of(Precision.values())
                        .map(precision -> Arguments.of(Named.of(settings.toString(), settings), precision)));
    }

    /** By itself, or in the steps before it has its first roots, or because it rotates no side as long as these, or when it clips. */
    private static boolean dividesSingleWeights(OptimizerSettings settings) {
        return OF_SINGLE_WEIGHTS.contains(settings.name())
                || settings.has(Shampoo.GRAFTING) && settings.get(Shampoo.GRAFTING) == Shampoo.Grafting.ADAM
                || settings.has(EigenbasisOptimizer.MAX_SIDE) && settings.get(EigenbasisOptimizer.MAX_SIDE) < COLUMNS
                || settings.get(Surroundings.CLIP_VALUE) > 0;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void unseenDirectionsStayStill(OptimizerSettings settings, Precision precision) {
        double allowed = precision == Precision.FLOAT ? FLOAT_LEAK : DOUBLE_LEAK;
        for (double leak : leak(settings, precision)) {
            assertThat(leak).isLessThan(allowed);
        }
    }

    /** What a run leaves beside the seen directions, in the columns and in the rows, relative to the whole. */
    static double[] leak(OptimizerSettings settings, Precision precision) {
        Random random = new Random(7);
        double[][] seenRows = orthonormal(ROWS, random);
        double[][] seenColumns = orthonormal(COLUMNS, random);
        try (Optimizer optimizer = Optimizers.create(settings, precision);
                EigenRefresh refresh = new EigenRefresh(precision)) {
            Memory memory = optimizer.memory(ROWS, COLUMNS);
            Arena arena = new Arena(precision, memory.tensors(), memory.counters());
            LayerState state = new LayerState(arena, "");
            Matrix weights = Matrix.create(precision, ROWS, COLUMNS);
            for (int step = 0; step < STEPS; step++) {
                Matrix activations = within(seenColumns, precision, random);
                Matrix derivatives = within(seenRows, precision, random);
                Matrix gradient = Matrix.create(precision, ROWS, COLUMNS);
                gradient.multiply(1.0 / SEEN, derivatives, true, activations, false, 0);
                optimizer.step(new LayerGradient(gradient, activations, derivatives, derivatives), weights, state);
                for (RefreshTask task : optimizer.due(state)) {
                    optimizer.install(state, task.side(), refresh.compute(task));
                }
            }
            double norm = weights.norm();
            assertThat(norm).isPositive();
            return new double[] {beside(seenRows, weights, true) / norm, beside(seenColumns, weights, false) / norm};
        }
    }

    /** As many examples as there are seen directions, each a combination of them. */
    private static Matrix within(double[][] directions, Precision precision, Random random) {
        int n = directions[0].length;
        Matrix examples = Matrix.create(precision, SEEN, n);
        for (int t = 0; t < SEEN; t++) {
            double[] row = new double[n];
            for (double[] direction : directions) {
                double weight = random.nextGaussian();
                for (int i = 0; i < n; i++) {
                    row[i] += weight * direction[i];
                }
            }
            examples.write(t * n, row, 0, n);
        }
        return examples;
    }

    private static double[][] orthonormal(int n, Random random) {
        double[][] vectors = new double[SEEN][n];
        for (int k = 0; k < SEEN; k++) {
            for (int i = 0; i < n; i++) {
                vectors[k][i] = random.nextGaussian();
            }
            for (int before = 0; before < k; before++) {
                add(vectors[k], -dot(vectors[k], vectors[before]), vectors[before]);
            }
            double length = Math.sqrt(dot(vectors[k], vectors[k]));
            for (int i = 0; i < n; i++) {
                vectors[k][i] /= length;
            }
        }
        return vectors;
    }

    /** Norm of what is orthogonal to the directions, in the columns or in the rows of a matrix. */
    private static double beside(double[][] directions, Matrix matrix, boolean ofColumns) {
        int count = ofColumns ? matrix.columns() : matrix.rows();
        int n = ofColumns ? matrix.rows() : matrix.columns();
        double square = 0;
        for (int k = 0; k < count; k++) {
            double[] vector = new double[n];
            for (int i = 0; i < n; i++) {
                vector[i] = ofColumns ? matrix.get(i, k) : matrix.get(k, i);
            }
            for (double[] direction : directions) {
                add(vector, -dot(vector, direction), direction);
            }
            square += dot(vector, vector);
        }
        return Math.sqrt(square);
    }

    private static void add(double[] x, double scale, double[] y) {
        for (int i = 0; i < x.length; i++) {
            x[i] += scale * y[i];
        }
    }

    private static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }
}
