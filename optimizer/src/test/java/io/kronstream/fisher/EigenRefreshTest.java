// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class EigenRefreshTest {
    private static final int SIZE = 7;

    /** Relative, for the well-conditioned factors here in single precision; 2e-6 was seen. */
    private static final double ROUNDING = 2e-5;

    static Stream<Arguments> cases() {
        return Stream.of(Precision.values())
                .flatMap(precision -> Stream.of(RefreshMethod.QR_ITERATION, RefreshMethod.EIGENDECOMPOSITION)
                        .map(method -> Arguments.of(precision, method)));
    }

    private static Matrix factor(Precision precision) {
        Matrix factor = Matrix.create(precision, SIZE, SIZE);
        factor.addGram(1, Samples.normal(precision, SIZE, SIZE + 4, 1, new Random(1)), false, 0);
        return factor;
    }

    private static Matrix identity(Precision precision) {
        Matrix identity = Matrix.create(precision, SIZE, SIZE);
        identity.setIdentity(1);
        return identity;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void repeatedRefreshesDiagonaliseTheFactor(Precision precision, RefreshMethod method) {
        Matrix factor = factor(precision);
        Matrix basis = identity(precision);
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            for (int i = 0; i < 200; i++) {
                Decomposition result = refresh.compute(RefreshTask.basis(RefreshTask.LEFT, method, factor, basis));
                assertThat(result.succeeded()).isTrue();
                assertThat(result.permutation()).containsOnlyOnce(0, 1, 2, 3, 4, 5, 6);
                basis.copyFrom(result.matrix());
            }
        }
        Matrix product = Matrix.create(precision, SIZE, SIZE);
        Matrix diagonal = Matrix.create(precision, SIZE, SIZE);
        product.multiply(1, factor, false, basis, false, 0);
        diagonal.multiply(1, basis, true, product, false, 0);
        for (int i = 0; i < SIZE; i++) {
            for (int j = 0; j < i; j++) {
                assertThat(diagonal.get(i, j)).isCloseTo(0, within(1e-4 * diagonal.get(0, 0)));
            }
            if (i > 0) {
                assertThat(diagonal.get(i, i)).isLessThan(diagonal.get(i - 1, i - 1));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void columnsAreOrderedByTheirShareOfTheFactor(Precision precision) {
        Matrix factor = Matrix.create(precision, SIZE, SIZE);
        double[] eigenvalues = {1, 5, 5, 2, 9, 2, 0};
        for (int i = 0; i < SIZE; i++) {
            factor.set(i, i, eigenvalues[i]);
        }
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            Decomposition result = refresh.compute(
                    RefreshTask.basis(RefreshTask.LEFT, RefreshMethod.QR_ITERATION, factor, identity(precision)));
            // Ties keep their order.
            assertThat(result.permutation()).containsExactly(4, 1, 2, 3, 5, 0, 6);
            for (int j = 0; j < SIZE; j++) {
                assertThat(Math.abs(result.matrix().get(result.permutation()[j], j)))
                        .isEqualTo(1);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatTheFactorKeepsApartStaysApart(Precision precision, RefreshMethod method) {
        Matrix factor = factor(precision);
        for (int i = 0; i < SIZE; i++) {
            factor.set(i, 3, i == 3 ? 1 : 0);
            factor.set(3, i, i == 3 ? 1 : 0);
        }
        Matrix basis = identity(precision);
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            for (int i = 0; i < 20; i++) {
                basis.copyFrom(refresh.compute(RefreshTask.basis(RefreshTask.LEFT, method, factor, basis))
                        .matrix());
                int own = 0;
                for (int j = 0; j < SIZE; j++) {
                    own += basis.get(3, j) != 0 ? 1 : 0;
                }
                assertThat(own).isEqualTo(1);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aZeroFactorGivesAnOrthonormalBasis(Precision precision, RefreshMethod method) {
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            Decomposition result = refresh.compute(RefreshTask.basis(
                    RefreshTask.LEFT, method, Matrix.create(precision, SIZE, SIZE), identity(precision)));
            assertThat(result.succeeded()).isTrue();
            Matrix product = Matrix.create(precision, SIZE, SIZE);
            product.multiply(1, result.matrix(), true, result.matrix(), false, 0);
            assertThat(Samples.relativeError(product, identity(precision))).isLessThan(1e-6);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aNonFiniteFactorFailsAndTheNextOneSucceeds(Precision precision, RefreshMethod method) {
        Matrix broken = factor(precision);
        broken.set(2, 2, Double.NaN);
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            assertThat(refresh.compute(RefreshTask.basis(RefreshTask.LEFT, method, broken, identity(precision)))
                            .succeeded())
                    .isFalse();
            assertThat(refresh.compute(
                                    RefreshTask.basis(RefreshTask.LEFT, method, factor(precision), identity(precision)))
                            .succeeded())
                    .isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void eigenvaluesBelongToTheirColumns(Precision precision) {
        Matrix factor = factor(precision);
        factor.set(1, 1, 7);
        for (int i = 0; i < SIZE; i++) {
            factor.set(i, 3, i == 3 ? 2 : 0);
            factor.set(3, i, i == 3 ? 2 : 0);
        }
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            Decomposition result = refresh.compute(
                    RefreshTask.basis(RefreshTask.LEFT, RefreshMethod.EIGENDECOMPOSITION, factor, null));
            Matrix scaled = Matrix.create(precision, SIZE, SIZE);
            Matrix rebuilt = Matrix.create(precision, SIZE, SIZE);
            for (int i = 0; i < SIZE; i++) {
                for (int j = 0; j < SIZE; j++) {
                    scaled.set(i, j, result.matrix().get(i, j) * result.eigenvalues()[j]);
                }
            }
            rebuilt.multiply(1, scaled, false, result.matrix(), true, 0);
            assertThat(Samples.relativeError(rebuilt, factor)).isLessThan(ROUNDING);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void anInverseAndAPowerOfMinusOneAreTheSame(Precision precision) {
        double shift = 0.5;
        Matrix factor = factor(precision);
        Matrix shifted = factor(precision);
        shifted.addToDiagonal(shift);
        Matrix product = Matrix.create(precision, SIZE, SIZE);
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            for (RefreshTask task : List.of(
                    RefreshTask.inverse(RefreshTask.LEFT, factor, shift),
                    RefreshTask.power(RefreshTask.LEFT, factor, shift, -1))) {
                Decomposition result = refresh.compute(task);
                assertThat(result.succeeded()).isTrue();
                assertThat(result.eigenvalues()).isEmpty();
                product.multiply(1, result.matrix(), false, shifted, false, 0);
                assertThat(Samples.relativeError(product, identity(precision))).isLessThan(ROUNDING);
                assertSymmetric(result.matrix());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void fourInverseFourthRootsGiveTheInverse(Precision precision) {
        Matrix factor = factor(precision);
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            Matrix root = Matrix.create(precision, SIZE, SIZE);
            root.copyFrom(refresh.compute(RefreshTask.power(RefreshTask.LEFT, factor, 0, -0.25))
                    .matrix());
            Matrix product = identity(precision);
            Matrix next = Matrix.create(precision, SIZE, SIZE);
            for (int i = 0; i < 4; i++) {
                next.multiply(1, product, false, root, false, 0);
                product.copyFrom(next);
            }
            next.multiply(1, product, false, factor, false, 0);
            assertThat(Samples.relativeError(next, identity(precision))).isLessThan(ROUNDING);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aPairIsDiagonalisedTogether(Precision precision) {
        double shift = 0.25;
        Matrix factor = factor(precision);
        Matrix shifted = factor(precision);
        shifted.addToDiagonal(shift);
        Matrix partner = Samples.normal(precision, SIZE, SIZE, 1, new Random(5));
        partner.mirrorUpper();
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            Decomposition result = refresh.compute(RefreshTask.pair(RefreshTask.LEFT, factor, shift, partner));
            assertThat(result.succeeded()).isTrue();
            Matrix expected = Matrix.create(precision, SIZE, SIZE);
            for (int j = 0; j < SIZE; j++) {
                expected.set(j, j, result.eigenvalues()[j]);
            }
            assertThat(Samples.relativeError(congruent(result.matrix(), shifted), identity(precision)))
                    .isLessThan(ROUNDING);
            assertThat(Samples.relativeError(congruent(result.matrix(), partner), expected))
                    .isLessThan(ROUNDING);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void whatIsNotPositiveDefiniteIsNotInverted(Precision precision) {
        Matrix factor = identity(precision);
        factor.set(2, 2, -1);
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            assertThat(refresh.compute(RefreshTask.inverse(RefreshTask.LEFT, factor, 0.5))
                            .succeeded())
                    .isFalse();
            assertThat(refresh.compute(RefreshTask.pair(RefreshTask.LEFT, factor, 0.5, identity(precision)))
                            .succeeded())
                    .isFalse();
            assertThat(refresh.compute(RefreshTask.inverse(RefreshTask.LEFT, factor, 1.5))
                            .succeeded())
                    .isTrue();
        }
    }

    private static Matrix congruent(Matrix basis, Matrix matrix) {
        Matrix product = Matrix.create(basis.precision(), SIZE, SIZE);
        Matrix result = Matrix.create(basis.precision(), SIZE, SIZE);
        product.multiply(1, matrix, false, basis, false, 0);
        result.multiply(1, basis, true, product, false, 0);
        return result;
    }

    private static void assertSymmetric(Matrix matrix) {
        for (int i = 0; i < SIZE; i++) {
            for (int j = 0; j < i; j++) {
                assertThat(matrix.get(i, j)).isEqualTo(matrix.get(j, i));
            }
        }
    }
}
