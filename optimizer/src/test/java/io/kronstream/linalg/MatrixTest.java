// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import static io.kronstream.linalg.Samples.as;
import static io.kronstream.linalg.Samples.normal;
import static io.kronstream.linalg.Samples.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Single precision against double precision, and double precision against the definitions. */
class MatrixTest {
    /** A sum of some hundred products of single precision. */
    private static final double FLOAT_ROUNDING = 1e-5;

    private static final double DOUBLE_ROUNDING = 1e-12;

    private final Random random = new Random(7);

    @ParameterizedTest
    @CsvSource({"false,false", "false,true", "true,false", "true,true"})
    void productEqualsReference(boolean transposeA, boolean transposeB) {
        Matrix a = transposeA ? normal(Precision.FLOAT, 19, 33, 1, random) : normal(Precision.FLOAT, 33, 19, 1, random);
        Matrix b = transposeB ? normal(Precision.FLOAT, 27, 19, 1, random) : normal(Precision.FLOAT, 19, 27, 1, random);
        Matrix c = normal(Precision.FLOAT, 33, 27, 1, random);
        Matrix expected = as(Precision.DOUBLE, c);

        c.multiply(0.5, a, transposeA, b, transposeB, -2);
        expected.multiply(0.5, as(Precision.DOUBLE, a), transposeA, as(Precision.DOUBLE, b), transposeB, -2);

        assertThat(relativeError(c, expected)).isLessThan(FLOAT_ROUNDING);
    }

    @ParameterizedTest
    @CsvSource({
        "33,1,19,false,false", "33,1,19,false,true", "33,1,19,true,false", "33,1,19,true,true",
        "1,33,19,false,false", "1,33,19,false,true", "1,33,19,true,false", "1,33,19,true,true",
        "1,1,19,false,true", "33,1,1,false,false", "1,33,1,true,true"
    })
    void productThatIsAVectorEqualsReference(int m, int n, int inner, boolean transposeA, boolean transposeB) {
        // Views, so that columns and rows have gaps.
        Matrix a = transposeA ? view(inner, m) : view(m, inner);
        Matrix b = transposeB ? view(n, inner) : view(inner, n);
        Matrix c = view(m, n);
        Matrix unread = view(m, n);
        unread.fill(Double.NaN);
        Matrix expected = as(Precision.DOUBLE, c);
        Matrix wideA = as(Precision.DOUBLE, a);
        Matrix wideB = as(Precision.DOUBLE, b);

        c.multiply(0.5, a, transposeA, b, transposeB, -2);
        unread.multiply(0.5, a, transposeA, b, transposeB, 0);

        expected.multiply(0.5, wideA, transposeA, wideB, transposeB, -2);
        assertThat(relativeError(c, expected)).isLessThan(FLOAT_ROUNDING);
        expected.multiply(0.5, wideA, transposeA, wideB, transposeB, 0);
        assertThat(relativeError(unread, expected)).isLessThan(FLOAT_ROUNDING);
    }

    private Matrix view(int rows, int columns) {
        return normal(Precision.FLOAT, rows + 4, columns + 3, 1, random).block(2, rows, 1, columns);
    }

    @Test
    void productOfViewsTouchesNothingElse() {
        Matrix a = normal(Precision.FLOAT, 8, 5, 1, random);
        Matrix b = normal(Precision.FLOAT, 6, 9, 1, random);
        Matrix c = normal(Precision.FLOAT, 8, 7, 1, random);
        Matrix before = as(Precision.FLOAT, c);

        c.topRows(3).leftColumns(6).multiply(1, a.topRows(3), false, b.leftColumns(5), true, 0);

        Matrix expected = as(Precision.DOUBLE, before);
        expected.topRows(3)
                .leftColumns(6)
                .multiply(
                        1,
                        as(Precision.DOUBLE, a).topRows(3),
                        false,
                        as(Precision.DOUBLE, b).leftColumns(5),
                        true,
                        0);
        assertThat(relativeError(c, expected)).isLessThan(FLOAT_ROUNDING);
        assertThat(c.get(0, 6)).isEqualTo(before.get(0, 6));
        assertThat(c.get(3, 0)).isEqualTo(before.get(3, 0));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 63, 64, 65, 131, 300})
    void symmetricProductIsExactlySymmetric(int n) {
        Matrix a = normal(Precision.FLOAT, n, 17, 1, random);
        Matrix scaled = as(Precision.FLOAT, a);
        scaled.scale(3);
        Matrix product = Matrix.create(Precision.FLOAT, n, n);
        product.setIdentity(2);
        Matrix expected = as(Precision.DOUBLE, product);

        product.multiplySymmetric(1, a, false, scaled, true, 0.5);

        expected.multiply(1, as(Precision.DOUBLE, a), false, as(Precision.DOUBLE, scaled), true, 0.5);
        assertThat(relativeError(product, expected)).isLessThan(FLOAT_ROUNDING);
        assertExactlySymmetric(product);
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void gramMatrixDecaysAndIsExactlySymmetric(Precision precision) {
        Matrix x = normal(precision, 11, 23, 1, random);
        Matrix right = Matrix.create(precision, 23, 23);
        Matrix left = Matrix.create(precision, 11, 11);
        right.setIdentity(1);
        left.setIdentity(1);

        right.addGram(0.1, x, true, 0.9);
        left.addGram(0.1, x, false, 0.9);

        Matrix wide = as(Precision.DOUBLE, x);
        Matrix expectedRight = Matrix.create(Precision.DOUBLE, 23, 23);
        expectedRight.setIdentity(1);
        expectedRight.multiply(0.1, wide, true, wide, false, 0.9);
        Matrix expectedLeft = Matrix.create(Precision.DOUBLE, 11, 11);
        expectedLeft.setIdentity(1);
        expectedLeft.multiply(0.1, wide, false, wide, true, 0.9);
        assertThat(relativeError(right, expectedRight)).isLessThan(FLOAT_ROUNDING);
        assertThat(relativeError(left, expectedLeft)).isLessThan(FLOAT_ROUNDING);
        assertExactlySymmetric(right);
        assertExactlySymmetric(left);
    }

    @ParameterizedTest
    @CsvSource({"FLOAT,1", "FLOAT,5", "FLOAT,64", "FLOAT,70", "DOUBLE,1", "DOUBLE,5", "DOUBLE,40", "DOUBLE,1000"})
    void eigenvectorsDiagonalise(Precision precision, int n) {
        Matrix x = normal(precision, n, n + 3, 1, random);
        Matrix symmetric = Matrix.create(precision, n, n);
        symmetric.addGram(1, x, false, 0);
        Matrix vectors = as(precision, symmetric);
        double[] values = new double[n];

        assertThat(vectors.eigenvectors(values)).isTrue();

        Matrix product = Matrix.create(precision, n, n);
        product.multiply(1, symmetric, false, vectors, false, 0);
        Matrix diagonal = Matrix.create(precision, n, n);
        diagonal.multiply(1, vectors, true, product, false, 0);
        Matrix expected = Matrix.create(precision, n, n);
        for (int i = 0; i < n; i++) {
            expected.set(i, i, values[i]);
            if (i > 0) {
                assertThat(values[i]).isLessThanOrEqualTo(values[i - 1]);
            }
        }
        double rounding = precision == Precision.FLOAT ? FLOAT_ROUNDING : DOUBLE_ROUNDING;
        assertThat(relativeError(diagonal, expected)).isLessThan(rounding);
        assertOrthonormal(vectors, rounding);
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT,1",
        "FLOAT,6",
        "FLOAT,64",
        "FLOAT,70",
        "FLOAT,130",
        "FLOAT,300",
        "FLOAT,800",
        "DOUBLE,1",
        "DOUBLE,6",
        "DOUBLE,40",
        "DOUBLE,700"
    })
    void orthonormalisedColumnsSpanTheSameSpaces(Precision precision, int n) {
        Matrix a = normal(precision, n, n, 1, random);
        Matrix q = as(precision, a);

        assertThat(q.orthonormalise()).isTrue();

        double rounding = precision == Precision.FLOAT ? FLOAT_ROUNDING : DOUBLE_ROUNDING;
        assertOrthonormal(q, rounding);
        Matrix r = Matrix.create(precision, n, n);
        r.multiply(1, q, true, a, false, 0);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                assertThat(r.get(i, j)).isCloseTo(0, within(rounding * n));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"FLOAT,9,4", "FLOAT,300,20", "DOUBLE,9,1", "DOUBLE,300,299"})
    void orthonormaliseCompletesTheFirstColumns(Precision precision, int n, int count) {
        Matrix a = normal(precision, n, n, 1, random);
        Matrix q = as(precision, a);

        assertThat(q.orthonormalise(count)).isTrue();

        double rounding = precision == Precision.FLOAT ? FLOAT_ROUNDING : DOUBLE_ROUNDING;
        assertOrthonormal(q, rounding);
        Matrix r = Matrix.create(precision, n, count);
        r.multiply(1, q, true, a.leftColumns(count), false, 0);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < Math.min(i, count); j++) {
                assertThat(r.get(i, j)).isCloseTo(0, within(rounding * n));
            }
        }
    }

    @Test
    void largeDoubleProductsEqualTheirDefinition() {
        Matrix a = normal(Precision.DOUBLE, 50, 70, 1, random);
        Matrix b = normal(Precision.DOUBLE, 60, 71, 1, random).leftColumns(70);
        Matrix c = normal(Precision.DOUBLE, 50, 61, 1, random);
        Matrix before = as(Precision.DOUBLE, c);

        c.leftColumns(60).multiply(2, a, false, b, true, -1);

        for (int i = 0; i < 50; i++) {
            for (int j = 0; j < 60; j++) {
                double sum = 0;
                for (int k = 0; k < 70; k++) {
                    sum += a.get(i, k) * b.get(j, k);
                }
                assertThat(c.get(i, j)).isCloseTo(2 * sum - before.get(i, j), within(DOUBLE_ROUNDING));
            }
            assertThat(c.get(i, 60)).isEqualTo(before.get(i, 60));
        }
    }

    @Test
    void bothPrecisionsHaveTheSameOrthogonalFactor() {
        Matrix a = normal(Precision.FLOAT, 9, 9, 1, random);
        Matrix wide = as(Precision.DOUBLE, a);

        a.orthonormalise();
        wide.orthonormalise();

        assertThat(relativeError(a, wide)).isLessThan(FLOAT_ROUNDING);
    }

    @ParameterizedTest
    @CsvSource({"FLOAT,6", "FLOAT,150", "DOUBLE,6"})
    void orthonormaliseCompletesARankDeficientMatrix(Precision precision, int n) {
        Matrix a = normal(precision, n, n, 1, random);
        for (int i = 0; i < n; i++) {
            a.set(i, 2, a.get(i, 0));
            a.set(i, 4, 0);
        }

        assertThat(a.orthonormalise()).isTrue();

        assertOrthonormal(a, FLOAT_ROUNDING);
    }

    @ParameterizedTest
    @CsvSource({"FLOAT,3", "FLOAT,100", "DOUBLE,3"})
    void decompositionsOfNonFiniteMatricesFail(Precision precision, int n) {
        Matrix a = Matrix.create(precision, n, n);
        a.setIdentity(1);
        a.set(1, 1, Double.NaN);

        assertThat(as(precision, a).eigenvectors(null)).isFalse();
        assertThat(as(precision, a).orthonormalise()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-30, 1e-15, 1, 1e15, 1e18})
    void innerProductsNeitherUnderflowNorOverflow(double scale) {
        Matrix x = normal(Precision.FLOAT, 37, 61, scale, random);
        Matrix y = normal(Precision.FLOAT, 37, 61, scale, random);
        Matrix wideX = as(Precision.DOUBLE, x);
        Matrix wideY = as(Precision.DOUBLE, y);

        assertThat(x.norm()).isCloseTo(wideX.norm(), within(FLOAT_ROUNDING * wideX.norm()));
        assertThat(x.dot(y)).isCloseTo(wideX.dot(wideY), within(FLOAT_ROUNDING * wideX.norm() * wideY.norm()));
    }

    @Test
    void squaredNormShowsNonFiniteElements() {
        Matrix x = normal(Precision.FLOAT, 20, 100, 1, random);
        x.set(19, 99, Double.POSITIVE_INFINITY);
        assertThat(x.squaredNorm()).isInfinite();
        x.set(19, 99, Double.NaN);
        assertThat(x.squaredNorm()).isNaN();
        x.set(19, 99, Float.MAX_VALUE);
        assertThat(x.squaredNorm()).isFinite();
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void elementwisePassesWorkOnViews(Precision precision) {
        Matrix x = normal(precision, 5, 7, 1, random);
        Matrix y = normal(precision, 5, 6, 1, random);
        Matrix before = as(precision, x);

        x.leftColumns(6).combine(2, y, -1);

        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < 6; j++) {
                assertThat(x.get(i, j)).isCloseTo(2 * y.get(i, j) - before.get(i, j), within(FLOAT_ROUNDING));
            }
            assertThat(x.get(i, 6)).isEqualTo(before.get(i, 6));
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void readAndWriteSkipTheGapsOfAView(Precision precision) {
        Matrix whole = normal(precision, 4, 5, 1, random);
        Matrix view = whole.leftColumns(3);
        float[] values = new float[9];

        view.read(2, values, 1, 8);

        for (int i = 0; i < 8; i++) {
            assertThat(values[1 + i]).isEqualTo((float) whole.get((2 + i) / 3, (2 + i) % 3));
        }
        Matrix copy = as(precision, whole);
        copy.leftColumns(3).fill(0);
        copy.leftColumns(3).write(2, values, 1, 8);
        assertThat(copy.get(0, 2)).isEqualTo((float) whole.get(0, 2));
        assertThat(copy.get(3, 0)).isEqualTo((float) whole.get(3, 0));
        assertThat(copy.get(3, 1)).isZero();
        assertThat(copy.get(0, 4)).isEqualTo(whole.get(0, 4));
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void blocksAreViews(Precision precision) {
        Matrix whole = normal(precision, 40, 70, 1, random);
        Matrix before = as(precision, whole);
        Matrix block = whole.block(3, 30, 5, 60);
        Matrix other = normal(precision, 30, 60, 1, random);

        assertThat(block.block(1, 2, 1, 2).get(1, 1)).isEqualTo(whole.get(5, 7));
        double product = block.dot(other);
        block.combine(2, other, 1);

        double expected = 0;
        for (int i = 0; i < 40; i++) {
            for (int j = 0; j < 70; j++) {
                boolean inside = i >= 3 && i < 33 && j >= 5 && j < 65;
                double added = inside ? 2 * other.get(i - 3, j - 5) : 0;
                expected += inside ? other.get(i - 3, j - 5) * before.get(i, j) : 0;
                assertThat(whole.get(i, j)).isCloseTo(before.get(i, j) + added, within(FLOAT_ROUNDING));
            }
        }
        assertThat(product).isCloseTo(expected, within(FLOAT_ROUNDING * 1000));
        assertThatThrownBy(() -> whole.block(39, 2, 0, 1)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({"false,false", "false,true", "true,false", "true,true"})
    void lowProductsEqualReference(boolean transposeA, boolean transposeB) {
        Matrix a =
                transposeA ? normal(Precision.FLOAT, 300, 17, 1, random) : normal(Precision.FLOAT, 17, 300, 1, random);
        Matrix b = transposeB
                ? normal(Precision.FLOAT, 400, 300, 1, random)
                : normal(Precision.FLOAT, 300, 400, 1, random);
        Matrix c = normal(Precision.FLOAT, 17, 401, 1, random);
        double untouched = c.get(3, 400);
        Matrix expected = Matrix.create(Precision.DOUBLE, 17, 400);

        c.leftColumns(400).multiply(0.5, a, transposeA, b, transposeB, 0);

        expected.multiply(0.5, as(Precision.DOUBLE, a), transposeA, as(Precision.DOUBLE, b), transposeB, 0);
        assertThat(relativeError(c.leftColumns(400), expected)).isLessThan(FLOAT_ROUNDING);
        assertThat(c.get(3, 400)).isEqualTo(untouched);
    }

    @Test
    void shapesThatDoNotFitAreRefused() {
        Matrix a = Matrix.create(Precision.FLOAT, 2, 3);
        assertThatThrownBy(() -> a.multiply(1, a, false, a, false, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("A product of 2 x 3 and 2 x 3 does not fit a result of 2 x 3");
        assertThatThrownBy(() -> a.get(0, 3)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> a.get(2, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> a.topRows(3)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void fingerprintNamesWhatDecidesTheLastBits() {
        String pinned = System.getenv("OPENBLAS_CORETYPE");
        assertThat(Numerics.fingerprint())
                .startsWith(pinned == null ? "" : pinned)
                .contains(
                        "OpenBLAS 0.3.",
                        "CpuBackend",
                        "JDK " + Runtime.version().feature());
    }

    private static void assertExactlySymmetric(Matrix matrix) {
        for (int i = 0; i < matrix.rows(); i++) {
            for (int j = 0; j < i; j++) {
                assertThat(matrix.get(i, j)).isEqualTo(matrix.get(j, i));
            }
        }
    }

    private static void assertOrthonormal(Matrix q, double rounding) {
        Matrix product = Matrix.create(q.precision(), q.rows(), q.rows());
        product.multiply(1, q, true, q, false, 0);
        Matrix identity = Matrix.create(q.precision(), q.rows(), q.rows());
        identity.setIdentity(1);
        assertThat(relativeError(product, identity)).isLessThan(rounding);
    }
}
