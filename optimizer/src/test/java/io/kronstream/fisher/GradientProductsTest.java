// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products from thin factors equal those from the gradient, in shapes where either way is the cheaper one. */
class GradientProductsTest {
    /** Rounding of products of four matrices in double precision. */
    private static final double TOLERANCE = 1e-12;

    @ParameterizedTest
    @CsvSource({"3, 40, 50", "30, 40, 50", "64, 12, 9", "5, 1, 60", "8, 70, 20"})
    void bothWaysAgree(int batch, int m, int n) {
        try (GradientProducts products = new GradientProducts(Precision.DOUBLE)) {
            Matrix activations = Samples.normal(Precision.DOUBLE, batch, n, 1, new Random(1));
            Matrix derivatives = Samples.normal(Precision.DOUBLE, batch, m, 1, new Random(2));
            Matrix gradient = Matrix.create(Precision.DOUBLE, m, n);
            gradient.multiply(1.0 / batch, derivatives, true, activations, false, 0);
            LayerGradient thin = new LayerGradient(gradient, activations, derivatives);
            LayerGradient dense = new LayerGradient(gradient);
            assertThat(thin.hasSoundFactors()).isTrue();
            assertThat(dense.hasSoundFactors()).isFalse();

            Matrix left = symmetric(m, 3);
            Matrix right = symmetric(n, 4);
            Matrix actual = Matrix.create(Precision.DOUBLE, m, n);
            Matrix expected = Matrix.create(Precision.DOUBLE, m, n);
            double actualDot = products.betweenWithDot(left, thin, right, actual);
            double expectedDot = products.betweenWithDot(left, dense, right, expected);
            assertThat(Samples.relativeError(actual, expected)).isLessThan(TOLERANCE);
            assertThat(actualDot).isCloseTo(expectedDot, within(TOLERANCE * actual.norm() * gradient.norm()));

            for (Matrix middle : new Matrix[] {null, right}) {
                Matrix moment = symmetric(m, 5);
                Matrix reference = symmetric(m, 5);
                products.leftMoment(0.3, 0.5, thin, middle, moment, 0.9);
                products.leftMoment(0.3, 0.5, dense, middle, reference, 0.9);
                assertThat(Samples.relativeError(moment, reference)).isLessThan(TOLERANCE);
            }
            for (Matrix middle : new Matrix[] {null, left}) {
                Matrix moment = symmetric(n, 6);
                Matrix reference = symmetric(n, 6);
                products.rightMoment(0.3, 0.5, thin, middle, moment, 0.9);
                products.rightMoment(0.3, 0.5, dense, middle, reference, 0.9);
                assertThat(Samples.relativeError(moment, reference)).isLessThan(TOLERANCE);
            }
        }
    }

    /** Examples whose gradients cancel leave of the thin factors' products nothing but rounding. */
    @ParameterizedTest
    @CsvSource({"1e-9, false", "1, true"})
    void factorsThatCancelAreNotSound(double difference, boolean sound) {
        Matrix activations = Samples.normal(Precision.FLOAT, 1, 20, 1, new Random(1));
        Matrix twice = Matrix.create(Precision.FLOAT, 2, 20);
        Matrix derivatives = Matrix.create(Precision.FLOAT, 2, 10);
        for (int j = 0; j < 20; j++) {
            twice.set(0, j, activations.get(0, j));
            twice.set(1, j, activations.get(0, j));
        }
        for (int i = 0; i < 10; i++) {
            derivatives.set(0, i, i + 1 + difference);
            derivatives.set(1, i, -i - 1);
        }
        Matrix gradient = Matrix.create(Precision.FLOAT, 10, 20);
        gradient.multiply(0.5, derivatives, true, twice, false, 0);
        assertThat(new LayerGradient(gradient, twice, derivatives).hasSoundFactors())
                .isEqualTo(sound);
    }

    private static Matrix symmetric(int n, int seed) {
        Matrix root = Samples.normal(Precision.DOUBLE, n, n, 1, new Random(seed));
        Matrix symmetric = Matrix.create(Precision.DOUBLE, n, n);
        symmetric.addGram(1, root, false, 0);
        return symmetric;
    }
}
