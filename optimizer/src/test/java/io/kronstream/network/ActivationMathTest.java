// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ActivationMathTest {
    private static final int SAMPLES = 200_000;

    @Test
    void tanhIsOffByLessThanFourUnits() {
        Random random = new Random(5);
        for (int i = 0; i < SAMPLES; i++) {
            float x = (float)
                    (Math.scalb(1 + random.nextDouble(), random.nextInt(30) - 26) * (random.nextInt(2) * 2 - 1));
            double expected = StrictMath.tanh(x);
            assertThat(units(ActivationMath.tanh(x), expected)).as("tanh %s", x).isLessThan(4);
        }
        assertThat(ActivationMath.tanh(Float.POSITIVE_INFINITY)).isBetween(1 - 4 * Math.ulp(0.5f), 1f);
        assertThat(ActivationMath.tanh(-50)).isBetween(-1f, -1 + 4 * Math.ulp(0.5f));
        assertThat(ActivationMath.tanh(0)).isZero();
        assertThat(ActivationMath.tanh(Float.NaN)).isNaN();
    }

    @Test
    void exponentialIsOffByLessThanTwoUnits() {
        Random random = new Random(6);
        for (int i = 0; i < SAMPLES; i++) {
            float x = random.nextInt(2) == 0
                    ? 175 * random.nextFloat() - 87
                    : (float) (Math.scalb(random.nextGaussian(), -random.nextInt(20)));
            assertThat(units(ActivationMath.exp(x), StrictMath.exp(x)))
                    .as("exp %s", x)
                    .isLessThan(2);
        }
        assertThat(ActivationMath.exp(0)).isEqualTo(1);
        assertThat(ActivationMath.exp(Float.NEGATIVE_INFINITY))
                .isEqualTo(ActivationMath.exp(-87))
                .isPositive();
        assertThat(ActivationMath.exp(Float.POSITIVE_INFINITY))
                .isEqualTo(ActivationMath.exp(88))
                .isFinite();
        assertThat(ActivationMath.exp(Float.NaN)).isNaN();
    }

    @Test
    void sigmoidIsOffByLessThanFourUnits() {
        Random random = new Random(7);
        for (int i = 0; i < SAMPLES; i++) {
            float x = random.nextInt(2) == 0 ? 174 * random.nextFloat() - 87 : (float) (4 * random.nextGaussian());
            assertThat(units(ActivationMath.sigmoid(x), 1 / (1 + StrictMath.exp(-x))))
                    .as("sigmoid %s", x)
                    .isLessThan(4);
        }
        assertThat(ActivationMath.sigmoid(0)).isEqualTo(0.5f);
        assertThat(ActivationMath.sigmoid(Float.POSITIVE_INFINITY)).isEqualTo(1);
        assertThat(ActivationMath.sigmoid(Float.NEGATIVE_INFINITY)).isBetween(0f, 1e-37f);
        assertThat(ActivationMath.sigmoid(Float.NaN)).isNaN();
    }

    /** The difference in units in the last place. */
    private static double units(float actual, double expected) {
        return Math.abs(actual - expected) / Math.ulp((float) expected);
    }
}
