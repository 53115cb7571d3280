// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class EigenRefreshTest {
    private static final int SIZE = 7;

    static Stream<Arguments> cases() {
        return Stream.of(Precision.values())
                .flatMap(precision -> Stream.of(RefreshMethod.values()).map(method -> Arguments.of(precision, method)));
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
                Decomposition result = refresh.compute(method, factor, basis);
                assertThat(result.succeeded()).isTrue();
                assertThat(result.permutation()).containsOnlyOnce(0, 1, 2, 3, 4, 5, 6);
                basis.copyFrom(result.basis());
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
            Decomposition result = refresh.compute(RefreshMethod.QR_ITERATION, factor, identity(precision));
            // Ties keep their order.
            assertThat(result.permutation()).containsExactly(4, 1, 2, 3, 5, 0, 6);
            for (int j = 0; j < SIZE; j++) {
                assertThat(Math.abs(result.basis().get(result.permutation()[j], j)))
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
                basis.copyFrom(refresh.compute(method, factor, basis).basis());
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
            Decomposition result = refresh.compute(method, Matrix.create(precision, SIZE, SIZE), identity(precision));
            assertThat(result.succeeded()).isTrue();
            Matrix product = Matrix.create(precision, SIZE, SIZE);
            product.multiply(1, result.basis(), true, result.basis(), false, 0);
            assertThat(Samples.relativeError(product, identity(precision))).isLessThan(1e-6);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aNonFiniteFactorFailsAndTheNextOneSucceeds(Precision precision, RefreshMethod method) {
        Matrix broken = factor(precision);
        broken.set(2, 2, Double.NaN);
        try (EigenRefresh refresh = new EigenRefresh(precision)) {
            assertThat(refresh.compute(method, broken, identity(precision)).succeeded())
                    .isFalse();
            assertThat(refresh.compute(method, factor(precision), identity(precision))
                            .succeeded())
                    .isTrue();
        }
    }
}
