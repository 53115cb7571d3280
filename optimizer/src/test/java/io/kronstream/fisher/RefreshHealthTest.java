// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RefreshHealthTest {
    private static final int SIZE = 6;
    /** Of sums of a few dozen products in double precision. */
    private static final double ROUNDING = 1e-12;

    private final Matrix factor = factor();
    private final Matrix basis = Matrix.create(Precision.DOUBLE, SIZE, SIZE);

    private static Matrix factor() {
        Matrix factor = Matrix.create(Precision.DOUBLE, SIZE, SIZE);
        factor.addGram(1, Samples.normal(Precision.DOUBLE, SIZE, SIZE + 4, 1, new Random(1)), false, 0);
        return factor;
    }

    @Test
    void theResidualIsThatOfTheOldBasis() {
        basis.setIdentity(1);
        try (EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE);
                BasisFit fit = new BasisFit(Precision.DOUBLE)) {
            refresh.compute(RefreshTask.basis(RefreshTask.LEFT, RefreshMethod.QR_ITERATION, factor, basis));

            assertThat(refresh.health().residual())
                    .isGreaterThan(0.1)
                    .isCloseTo(fit.residual(factor, basis), within(ROUNDING));
            assertThat(refresh.health().rotation()).isBetween(0.01, 1.0);
        }
    }

    @Test
    void aBasisThatFitsNeitherTurnsNorLeavesAnything() {
        try (EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE)) {
            Decomposition exact = refresh.compute(
                    RefreshTask.basis(RefreshTask.LEFT, RefreshMethod.EIGENDECOMPOSITION, factor, null));
            RefreshHealth known = refresh.health();
            basis.copyFrom(exact.matrix());
            refresh.compute(RefreshTask.basis(RefreshTask.LEFT, RefreshMethod.QR_ITERATION, factor, basis));
            RefreshHealth health = refresh.health();

            assertThat(known.residual()).isNaN();
            assertThat(known.rotation()).isNaN();
            assertThat(health.residual()).isCloseTo(0, within(ROUNDING));
            assertThat(health.rotation()).isCloseTo(0, within(ROUNDING));
            assertThat(health.conditionNumber()).isCloseTo(known.conditionNumber(), within(1e-9));
            assertThat(health.effectiveRank()).isCloseTo(known.effectiveRank(), within(1e-9));
            assertThat(known.conditionNumber())
                    .isCloseTo(exact.eigenvalues()[0] / exact.eigenvalues()[SIZE - 1], within(1e-9));
        }
    }

    @Test
    void theEffectiveRankCountsEqualEigenvalues() {
        factor.fill(0);
        for (int i = 0; i < 4; i++) {
            factor.set(i, i, 3);
        }
        try (EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE)) {
            refresh.compute(RefreshTask.basis(RefreshTask.LEFT, RefreshMethod.EIGENDECOMPOSITION, factor, null));

            assertThat(refresh.health().effectiveRank()).isCloseTo(4, within(ROUNDING));
            assertThat(refresh.health().conditionNumber()).isInfinite();
        }
    }

    @Test
    void aFailureShowsNothing() {
        factor.set(0, 0, Double.NaN);
        try (EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE)) {
            refresh.compute(RefreshTask.basis(RefreshTask.LEFT, RefreshMethod.EIGENDECOMPOSITION, factor, null));

            assertThat(refresh.health()).isEqualTo(RefreshHealth.UNKNOWN);
        }
    }
}
