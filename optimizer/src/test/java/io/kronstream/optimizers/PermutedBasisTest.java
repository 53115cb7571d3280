// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshMethod;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** In which order a decomposition gives its vectors, and with which sign, changes nothing that is learned. */
class PermutedBasisTest {
    private static final int ROWS = 5;
    private static final int COLUMNS = 4;
    private static final int STEPS = 60;
    private static final double ROUNDING = 1e-8;

    static Stream<Arguments> cases() {
        return OptimizerTable.all().map(settings -> Arguments.of(Named.of(settings.toString(), settings)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void orderAndSignOfTheBasisDoNotMatter(OptimizerSettings settings) {
        assertThat(Samples.relativeError(learn(settings, true), learn(settings, false)))
                .isLessThan(ROUNDING);
    }

    private static Matrix learn(OptimizerSettings settings, boolean reversed) {
        try (Optimizer optimizer = Optimizers.create(settings, Precision.DOUBLE);
                EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE)) {
            Memory memory = optimizer.memory(ROWS, COLUMNS);
            LayerState state = new LayerState(new Arena(Precision.DOUBLE, memory.tensors(), memory.counters()), "");
            Matrix weights = Matrix.create(Precision.DOUBLE, ROWS, COLUMNS);
            for (int step = 0; step < STEPS; step++) {
                Random random = new Random(step);
                Matrix activations = Samples.normal(Precision.DOUBLE, 8, COLUMNS, 1, random);
                Matrix derivatives = Samples.normal(Precision.DOUBLE, 8, ROWS, 1, random);
                Matrix gradient = Matrix.create(Precision.DOUBLE, ROWS, COLUMNS);
                gradient.multiply(1.0 / 8, derivatives, true, activations, false, 0);
                optimizer.step(
                        new LayerGradient(gradient, activations, derivatives, derivatives).withHessianProduct(gradient),
                        weights,
                        state);
                for (RefreshTask task : optimizer.due(state)) {
                    Decomposition decomposition = refresh.compute(task);
                    optimizer.install(
                            state,
                            task.side(),
                            reversed && isBasis(task) ? reversed(task, decomposition) : decomposition);
                }
            }
            return weights;
        }
    }

    private static boolean isBasis(RefreshTask task) {
        return switch (task.method()) {
            case QR_ITERATION, EIGENDECOMPOSITION, PAIR -> true;
            case INVERSE, POWER -> false;
        };
    }

    /**
     * With the other sign, and the last column first; but not where a full decomposition takes the place of a basis, whose
     * columns it continues by their rank alone.
     */
    private static Decomposition reversed(RefreshTask task, Decomposition decomposition) {
        boolean byRank = task.method() == RefreshMethod.EIGENDECOMPOSITION && task.basis() != null;
        int n = decomposition.matrix().rows();
        Matrix matrix = Matrix.create(Precision.DOUBLE, n, n);
        double[] eigenvalues = decomposition.eigenvalues().clone();
        int[] permutation = new int[n];
        for (int j = 0; j < n; j++) {
            int from = byRank ? j : n - 1 - j;
            for (int i = 0; i < n; i++) {
                matrix.set(i, j, -decomposition.matrix().get(i, from));
            }
            if (eigenvalues.length > 0) {
                eigenvalues[j] = decomposition.eigenvalues()[from];
            }
            permutation[j] = decomposition.permutation()[from];
        }
        return new Decomposition(true, matrix, eigenvalues, permutation);
    }
}
