// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SingularBasesTest {
    /** A few hundred roundings of single precision, in which the bases are given. */
    private static final double ROUNDING = 3e-5;

    private final Random random = new Random(11);

    @ParameterizedTest
    @CsvSource({"1,1,1", "1,9,1", "9,1,1", "7,5,5", "5,7,5", "40,40,3", "600,450,64", "1000,1000,1000"})
    void basesDiagonaliseTheGradient(int m, int n, int rank) {
        Matrix gradient = ofRank(m, n, rank);
        Matrix left = Matrix.create(Precision.FLOAT, m, m);
        Matrix right = Matrix.create(Precision.FLOAT, n, n);

        assertThat(SingularBases.compute(gradient, left, right)).isTrue();

        assertOrthonormal(left);
        assertOrthonormal(right);
        Matrix product = Matrix.create(Precision.FLOAT, m, n);
        Matrix diagonal = Matrix.create(Precision.FLOAT, m, n);
        product.multiply(1, gradient, false, right, false, 0);
        diagonal.multiply(1, left, true, product, false, 0);
        double norm = gradient.norm();
        double before = Double.MAX_VALUE;
        for (int i = 0; i < Math.min(m, n); i++) {
            double value = Math.abs(diagonal.get(i, i));
            assertThat(value).isLessThanOrEqualTo(before + ROUNDING * norm);
            if (i >= rank) {
                assertThat(value).isCloseTo(0, within(ROUNDING * norm));
            }
            before = value;
            diagonal.set(i, i, 0);
        }
        assertThat(diagonal.norm()).isLessThan(ROUNDING * norm);
    }

    @Test
    void silentRowsAndColumnsStayExactlyApart() {
        Matrix gradient = ofRank(6, 8, 6);
        for (int j = 0; j < 8; j++) {
            gradient.set(2, j, 0);
        }
        for (int i = 0; i < 6; i++) {
            gradient.set(i, 0, 0);
            gradient.set(i, 5, 0);
        }
        Matrix left = Matrix.create(Precision.FLOAT, 6, 6);
        Matrix right = Matrix.create(Precision.FLOAT, 8, 8);

        assertThat(SingularBases.compute(gradient, left, right)).isTrue();

        assertApart(left, 2, 5);
        assertApart(right, 0, 6);
        assertApart(right, 5, 7);
        assertOrthonormal(left);
        assertOrthonormal(right);
    }

    @Test
    void oneSideAloneIsTheSame() {
        Matrix gradient = ofRank(5, 9, 5);
        Matrix left = Matrix.create(Precision.FLOAT, 5, 5);
        Matrix right = Matrix.create(Precision.FLOAT, 9, 9);
        SingularBases.compute(gradient, left, right);
        Matrix leftAlone = Matrix.create(Precision.FLOAT, 5, 5);
        Matrix rightAlone = Matrix.create(Precision.FLOAT, 9, 9);

        SingularBases.compute(gradient, leftAlone, null);
        SingularBases.compute(gradient, null, rightAlone);

        assertThat(leftAlone).hasToString(left.toString());
        for (int i = 0; i < 9; i++) {
            for (int j = 0; j < 9; j++) {
                assertThat(rightAlone.get(i, j)).isEqualTo(right.get(i, j));
            }
        }
    }

    private Matrix ofRank(int m, int n, int rank) {
        Matrix product = Matrix.create(Precision.FLOAT, m, n);
        product.multiply(1, normal(m, rank), false, normal(rank, n), false, 0);
        return product;
    }

    private Matrix normal(int rows, int columns) {
        Matrix matrix = Matrix.create(Precision.FLOAT, rows, columns);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                matrix.set(i, j, random.nextGaussian());
            }
        }
        return matrix;
    }

    private static void assertApart(Matrix basis, int coordinate, int vector) {
        for (int i = 0; i < basis.rows(); i++) {
            assertThat(basis.get(coordinate, i)).isEqualTo(i == vector ? 1 : 0);
            assertThat(basis.get(i, vector)).isEqualTo(i == coordinate ? 1 : 0);
        }
    }

    private static void assertOrthonormal(Matrix basis) {
        Matrix product = Matrix.create(Precision.FLOAT, basis.rows(), basis.rows());
        product.addGram(1, basis, true, 0);
        product.addToDiagonal(-1);
        assertThat(product.norm()).isLessThan(ROUNDING * Math.sqrt(basis.rows()));
    }
}
