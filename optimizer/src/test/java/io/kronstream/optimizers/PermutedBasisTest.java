// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** In which order a decomposition gives its vectors, and with which sign, changes nothing that is learned. */
class PermutedBasisTest {
    private static final int ROWS = 5;
    private static final int COLUMNS = 4;
    private static final int STEPS = 60;
    private static final double ROUNDING = 1e-8;

    /** Those that work in a basis. */
    static Stream<OptimizerSettings> cases() {
        return Stream.of(
                OptimizerSettings.defaults("soap"),
                OptimizerSettings.defaults("dykaf"),
                OptimizerSettings.defaults("dykaf").with(DyKAF.RANK_ONE_SECOND_MOMENT, true),
                OptimizerSettings.defaults("soap").with(EigenbasisOptimizer.MAX_SIDE, COLUMNS),
                OptimizerSettings.defaults("kfac").with(KFAC.FORM, KFAC.Form.EIGEN),
                OptimizerSettings.defaults("deflation"),
                OptimizerSettings.defaults("lanczos"),
                OptimizerSettings.defaults("kfac-corrected"));
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
                optimizer.step(new LayerGradient(gradient, activations, derivatives, derivatives), weights, state);
                for (RefreshTask task : optimizer.due(state)) {
                    Decomposition decomposition = refresh.compute(task);
                    optimizer.install(state, task.side(), reversed ? reversed(decomposition) : decomposition);
                }
            }
            return weights;
        }
    }

    /** Last column first, with the other sign. */
    private static Decomposition reversed(Decomposition decomposition) {
        int n = decomposition.matrix().rows();
        Matrix matrix = Matrix.create(Precision.DOUBLE, n, n);
        double[] eigenvalues = decomposition.eigenvalues().clone();
        int[] permutation = new int[n];
        for (int j = 0; j < n; j++) {
            for (int i = 0; i < n; i++) {
                matrix.set(i, j, -decomposition.matrix().get(i, n - 1 - j));
            }
            if (eigenvalues.length > 0) {
                eigenvalues[j] = decomposition.eigenvalues()[n - 1 - j];
            }
            permutation[j] = decomposition.permutation()[n - 1 - j];
        }
        return new Decomposition(true, matrix, eigenvalues, permutation);
    }
}
