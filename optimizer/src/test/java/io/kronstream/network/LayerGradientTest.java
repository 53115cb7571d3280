// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class LayerGradientTest {
    private static final int BATCH = 8;

    @ParameterizedTest
    @CsvSource({"7, 30, 1", "301, 1001, 1", "301, 2001, 2", "1025, 1025, 4", "2, 300000, 2"})
    void bandsAreTheGradientsRows(int rows, int columns, int bands) {
        LayerGradient whole = unformed(Precision.FLOAT, rows, columns);
        LayerGradient parts = unformed(Precision.FLOAT, rows, columns);
        Matrix together = Matrix.create(Precision.FLOAT, rows, columns);
        List<Integer> starts = new ArrayList<>();

        parts.forEachBand((row, band) -> {
            starts.add(row);
            together.block(row, band.rows(), 0, columns).copyFrom(band);
        });

        assertThat(starts).hasSize(bands).isSorted().first().isEqualTo(0);
        assertThat(Samples.relativeError(together, whole.gradient())).isLessThan(1e-6);
        assertThat(Samples.relativeError(parts.gradient(), whole.gradient())).isZero();
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aPassInBandsIsAPassOverAll(Precision precision) {
        LayerGradient gradient = unformed(precision, 900, 700);
        LayerGradient formed = new LayerGradient(gradient.gradient());
        Matrix expected = Samples.normal(precision, 900, 700, 1, new Random(3));
        Matrix actual = Samples.normal(precision, 900, 700, 1, new Random(3));

        formed.run(new Descent(), 1, expected);
        gradient.renew();
        gradient.run(new Descent(), 1, actual);

        assertThat(gradient.isFormed()).isFalse();
        assertThat(Samples.relativeError(actual, expected)).isLessThan(1e-6);
    }

    @ParameterizedTest
    @CsvSource({
        "1, true, false",
        "1e17, true, false",
        "1e19, true, true", // the bound of |G| does not fit, |G| does
        "1e20, false, true",
        "NaN, false, true",
        "Infinity, false, true"
    })
    void onlyLargeFactorsHaveTheirGradientLookedAt(float value, boolean finite, boolean formed) {
        LayerGradient gradient = unformed(Precision.FLOAT, 20, 30);
        gradient.activations().set(3, 7, value);
        assertThat(gradient.isFinite()).isEqualTo(finite);
        assertThat(gradient.isFormed()).isEqualTo(formed);
    }

    private static LayerGradient unformed(Precision precision, int rows, int columns) {
        return LayerGradient.lazy(
                Matrix.create(precision, rows, columns),
                Samples.normal(precision, BATCH, columns, 1, new Random(1)),
                Samples.normal(precision, BATCH, rows, 1, new Random(2)),
                null,
                null);
    }

    /** {@code w -= g / 2}. */
    private static final class Descent implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            for (int i = 0; i < length; i++) {
                tiles[0][i] -= tiles[1][i] / 2;
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            for (int i = 0; i < length; i++) {
                tiles[0][i] -= tiles[1][i] / 2;
            }
        }
    }
}
