// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.fisher.FisherError.Product;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** What makes Kronecker products worth having: {@code (A kron G) vec(U) = vec(G U A)}, and what follows from it. */
class KroneckerIdentityPropertyTest {
    private static final int TRIES = 40;
    private static final double ROUNDING = 1e-8;
    private static final double SHIFT = 0.1;

    @Property(tries = TRIES)
    void inversesOfFactorsInvertTheProduct(
            @ForAll @IntRange(min = 1, max = 6) int m, @ForAll @IntRange(min = 1, max = 6) int n, @ForAll long seed) {
        Random random = new Random(seed);
        Matrix g = definite(m, random);
        Matrix a = definite(n, random);
        Matrix v = Samples.normal(Precision.DOUBLE, m, n, 1, random);
        try (EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE)) {
            Matrix left = Samples.as(
                    Precision.DOUBLE,
                    refresh.compute(RefreshTask.inverse(RefreshTask.LEFT, g, SHIFT))
                            .matrix());
            Matrix right = Samples.as(
                    Precision.DOUBLE,
                    refresh.compute(RefreshTask.inverse(RefreshTask.RIGHT, a, SHIFT))
                            .matrix());
            g.addToDiagonal(SHIFT);
            a.addToDiagonal(SHIFT);

            assertThat(Samples.relativeError(product(g, product(left, v, right), a), v))
                    .isLessThan(ROUNDING);
        }
    }

    @Property(tries = TRIES)
    void pairsSolveWithTheSumOfTwoProducts(
            @ForAll @IntRange(min = 1, max = 6) int m, @ForAll @IntRange(min = 1, max = 6) int n, @ForAll long seed) {
        Random random = new Random(seed);
        Matrix g = definite(m, random);
        Matrix a = definite(n, random);
        Matrix q = symmetric(m, random);
        Matrix p = symmetric(n, random);
        Matrix v = Samples.normal(Precision.DOUBLE, m, n, 1, random);
        try (EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE)) {
            Decomposition left = refresh.compute(RefreshTask.pair(RefreshTask.LEFT, g, SHIFT, q));
            Matrix k2 = Samples.as(Precision.DOUBLE, left.matrix());
            double[] s2 = left.eigenvalues().clone();
            Decomposition right = refresh.compute(RefreshTask.pair(RefreshTask.RIGHT, a, SHIFT, p));
            Matrix k1 = Samples.as(Precision.DOUBLE, right.matrix());
            double[] s1 = right.eigenvalues().clone();
            Matrix rotated = product(transposed(k2), v, k1);
            boolean definite = true;
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double denominator = 1 + s2[i] * s1[j];
                    definite &= Math.abs(denominator) > 1e-3;
                    rotated.set(i, j, rotated.get(i, j) / denominator);
                }
            }
            Matrix u = product(k2, rotated, transposed(k1));
            g.addToDiagonal(SHIFT);
            a.addToDiagonal(SHIFT);
            Matrix sum = product(g, u, a);
            sum.combine(1, product(q, u, p), 1);

            assertThat(!definite || Samples.relativeError(sum, v) < ROUNDING).isTrue();
        }
    }

    @Property(tries = TRIES)
    void fourthRootsMultiplyToTheInverse(@ForAll @IntRange(min = 1, max = 7) int n, @ForAll long seed) {
        Matrix x = definite(n, new Random(seed));
        try (EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE)) {
            Matrix root = Samples.as(
                    Precision.DOUBLE,
                    refresh.compute(RefreshTask.power(RefreshTask.LEFT, x, SHIFT, -0.25))
                            .matrix());
            x.addToDiagonal(SHIFT);
            Matrix identity = Matrix.create(Precision.DOUBLE, n, n);
            identity.setIdentity(1);

            assertThat(Samples.relativeError(product(product(root, root, root), root, x), identity))
                    .isLessThan(ROUNDING);
        }
    }

    /** A mini-batch of one example is one Kronecker product; anything else differs from it by what it differs. */
    @Property(tries = TRIES)
    void theErrorOfAMultipleIsKnown(
            @ForAll @IntRange(min = 1, max = 5) int m, @ForAll @IntRange(min = 1, max = 5) int n, @ForAll long seed) {
        Random random = new Random(seed);
        Matrix a = Samples.normal(Precision.DOUBLE, 1, n, 1, random);
        Matrix g = Samples.normal(Precision.DOUBLE, 1, m, 1, random);
        Matrix right = Matrix.create(Precision.DOUBLE, n, n);
        Matrix left = Matrix.create(Precision.DOUBLE, m, m);
        right.addGram(0.75, a, true, 0);
        left.addGram(1, g, true, 0);

        List<Product> approximation = List.of(new Product(right, left));
        assertThat(FisherError.relative(a, g, approximation)).isCloseTo(0.25, within(1e-6));
        assertThat(FisherError.spectral(a, g, approximation)).isCloseTo(0.25, within(1e-6));
    }

    private static Matrix definite(int n, Random random) {
        Matrix matrix = Matrix.create(Precision.DOUBLE, n, n);
        matrix.addGram(1, Samples.normal(Precision.DOUBLE, n, n, 1, random), false, 0);
        return matrix;
    }

    private static Matrix symmetric(int n, Random random) {
        Matrix matrix = Samples.normal(Precision.DOUBLE, n, n, 0.3, random);
        matrix.mirrorUpper();
        return matrix;
    }

    private static Matrix transposed(Matrix matrix) {
        Matrix result = Matrix.create(Precision.DOUBLE, matrix.columns(), matrix.rows());
        for (int i = 0; i < matrix.rows(); i++) {
            for (int j = 0; j < matrix.columns(); j++) {
                result.set(j, i, matrix.get(i, j));
            }
        }
        return result;
    }

    private static Matrix product(Matrix x, Matrix y, Matrix z) {
        Matrix half = Matrix.create(Precision.DOUBLE, x.rows(), y.columns());
        half.multiply(1, x, false, y, false, 0);
        Matrix whole = Matrix.create(Precision.DOUBLE, x.rows(), z.columns());
        whole.multiply(1, half, false, z, false, 0);
        return whole;
    }
}
