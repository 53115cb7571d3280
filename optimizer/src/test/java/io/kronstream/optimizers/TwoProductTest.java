// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import io.kronstream.optimizers.TwoProductOptimizer.Indefinite;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the solve with two products does where their sum is not positive definite. */
class TwoProductTest {
    private static final int ROWS = 3;
    private static final int COLUMNS = 2;

    @Test
    void theDenominatorStaysAboveItsFloor() {
        Matrix direction = direction(Indefinite.FLOOR, new double[] {2, 0, -1}, new double[] {1, 0.5});

        // 1 + s2 s1 is 3, 2; 1, 1; 0, 0.5
        assertThat(direction.get(0, 0)).isEqualTo(1.0 / 3);
        assertThat(direction.get(0, 1)).isEqualTo(0.5);
        assertThat(direction.get(1, 1)).isEqualTo(1);
        assertThat(direction.get(2, 0)).isEqualTo(10);
        assertThat(direction.get(2, 1)).isEqualTo(2);
    }

    @Test
    void anIndefiniteSumFallsBackToTheFirstProduct() {
        Matrix direction = direction(Indefinite.FIRST_PRODUCT, new double[] {2, 0, -1}, new double[] {1, 0.5});

        for (int i = 0; i < ROWS; i++) {
            for (int j = 0; j < COLUMNS; j++) {
                assertThat(direction.get(i, j)).isEqualTo(1);
            }
        }
    }

    @Test
    void aDefiniteSumDoesNotFallBack() {
        Matrix direction = direction(Indefinite.FIRST_PRODUCT, new double[] {2, 0, -0.5}, new double[] {1, 0.5});

        assertThat(direction.get(0, 0)).isEqualTo(1.0 / 3);
        assertThat(direction.get(2, 0)).isEqualTo(2);
    }

    /** Of a gradient of ones, in bases that are the identity, with these eigenvalues. */
    private static Matrix direction(Indefinite indefinite, double[] left, double[] right) {
        OptimizerSettings settings =
                OptimizerSettings.defaults("deflation").with(TwoProductOptimizer.INDEFINITE, indefinite);
        try (KroneckerOptimizer optimizer = (KroneckerOptimizer) Optimizers.create(settings, Precision.DOUBLE)) {
            Memory memory = optimizer.memory(ROWS, COLUMNS);
            LayerState state = new LayerState(new Arena(Precision.DOUBLE, memory.tensors(), memory.counters()), "");
            install(optimizer, state, RefreshTask.LEFT, left);
            install(optimizer, state, RefreshTask.RIGHT, right);
            Matrix ones = Matrix.create(Precision.DOUBLE, ROWS, COLUMNS);
            ones.fill(1);
            Matrix direction = Samples.normal(Precision.DOUBLE, ROWS, COLUMNS, 1, new Random(1));
            optimizer.precondition(new LayerGradient(ones), direction, state);
            return direction;
        }
    }

    private static void install(Optimizer optimizer, LayerState state, int side, double[] eigenvalues) {
        Matrix identity = Matrix.create(Precision.DOUBLE, eigenvalues.length, eigenvalues.length);
        identity.setIdentity(1);
        optimizer.install(state, side, new Decomposition(true, identity, eigenvalues, new int[eigenvalues.length]));
    }
}
