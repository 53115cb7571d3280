// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DiagonalFactorsTest {
    private static final double ROUNDING = 1e-12;

    @Test
    void workersWithUnequalSharesEqualOneWorker() {
        Random random = new Random(4);
        Matrix activations = Samples.normal(Precision.DOUBLE, 10, 4, 1, random);
        Matrix gradients = Samples.normal(Precision.DOUBLE, 10, 3, 1, random);
        DiagonalFactors one = DiagonalFactors.dense(activations, gradients);
        DiagonalFactors twice = one.add(DiagonalFactors.dense(activations.topRows(3), gradients.topRows(3)));

        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int t = 0; t < 13; t++) {
                sum += Math.pow(activations.get(t % 10, j), 2);
            }
            assertThat(twice.inputs()[j]).isCloseTo(sum / 13, within(ROUNDING));
        }
        for (int i = 0; i < 3; i++) {
            double sum = 0;
            for (int t = 0; t < 13; t++) {
                sum += Math.pow(gradients.get(t % 10, i), 2);
            }
            assertThat(twice.outputs()[i]).isCloseTo(sum / 13, within(ROUNDING));
        }
        assertThatThrownBy(() -> one.add(DiagonalFactors.identity(3, 5)))
                .hasMessage("Factors of 4 and 5 entries do not add up");
    }

    /** Of every kind of layer, cut after the third of eight examples. */
    @Test
    void twoWorkersAreOneWhateverTheLayer() {
        Random random = new Random(5);
        double[] x = random.doubles(8 * 3 * 4).toArray();
        double[] q = random.doubles(8 * 3 * 4).toArray();
        double[] small = random.doubles(8 * 2 * 2).toArray();
        int cut = 3 * 12;
        int last = x.length;
        assertSame(
                DiagonalFactors.batchNorm(x, q, 8, 3, 4),
                DiagonalFactors.batchNorm(part(x, 0, cut), part(q, 0, cut), 3, 3, 4)
                        .add(DiagonalFactors.batchNorm(part(x, cut, last), part(q, cut, last), 5, 3, 4)));
        assertSame(
                DiagonalFactors.layerNorm(x, q, 8, 3, 4),
                DiagonalFactors.layerNorm(part(x, 0, cut), part(q, 0, cut), 3, 3, 4)
                        .add(DiagonalFactors.layerNorm(part(x, cut, last), part(q, cut, last), 5, 3, 4)));
        // 3 x 2 x 2 images, a kernel of 2 x 1 and two channels out: 1 x 2 positions.
        assertSame(
                DiagonalFactors.convolution(x, small, convolution(8)),
                DiagonalFactors.convolution(part(x, 0, cut), part(small, 0, 12), convolution(3))
                        .add(DiagonalFactors.convolution(
                                part(x, cut, last), part(small, 12, small.length), convolution(5))));
        assertThatThrownBy(() -> DiagonalFactors.batchNorm(x, q, 8, 3, 4).add(DiagonalFactors.identity(3, 3)))
                .hasMessage("Factors of layers of two kinds do not add up");
    }

    private static DiagonalFactors.Convolution convolution(int examples) {
        return new DiagonalFactors.Convolution(examples, 3, 2, 2, 2, 2, 1, 1, 1, 0, 0);
    }

    private static double[] part(double[] all, int from, int to) {
        return Arrays.copyOfRange(all, from, to);
    }

    private static void assertSame(DiagonalFactors one, DiagonalFactors two) {
        assertThat(two.inputs()).containsExactly(one.inputs(), within(ROUNDING));
        assertThat(two.outputs()).containsExactly(one.outputs(), within(ROUNDING));
    }

    /** A convolution whose kernel covers the image is a dense layer. */
    @Test
    void aConvolutionOfOnePatchIsADenseLayer() {
        Random random = new Random(8);
        int examples = 5;
        int length = 2 * 3 * 2;
        Matrix activations = Samples.normal(Precision.DOUBLE, examples, length + 1, 1, random);
        Matrix gradients = Samples.normal(Precision.DOUBLE, examples, 4, 1, random);
        double[] images = new double[examples * length];
        double[] deltas = new double[examples * 4];
        for (int t = 0; t < examples; t++) {
            activations.set(t, length, 1);
            activations.read(t * (length + 1), images, t * length, length);
        }
        gradients.read(0, deltas, 0, deltas.length);

        DiagonalFactors convolution = DiagonalFactors.convolution(
                images, deltas, new DiagonalFactors.Convolution(examples, 2, 3, 2, 4, 3, 2, 1, 1, 0, 0));

        DiagonalFactors dense = DiagonalFactors.dense(activations, gradients);
        assertThat(convolution.inputs()).containsExactly(dense.inputs(), within(ROUNDING));
        assertThat(convolution.outputs()).containsExactly(dense.outputs(), within(ROUNDING));
    }

    @Test
    void nothingTellsEqualEntriesApart() {
        double[] one = {7};
        double[] equal = {2, 2, 2};
        // As the squares of two classes' derivatives are: p and -p.
        double[] rounded = {0.3, 0.3 + 1e-16, 0.3 - 2e-9};
        double[] small = {1e-30, 2e-30};
        double[] infinite = {Double.POSITIVE_INFINITY, 0.5, Double.NEGATIVE_INFINITY};
        DiagonalFactors.normalise(one, 0);
        DiagonalFactors.normalise(equal, 1e-6);
        DiagonalFactors.normalise(rounded, 0);
        DiagonalFactors.normalise(small, 0);
        DiagonalFactors.normalise(infinite, 0);
        assertThat(one).containsExactly(0);
        assertThat(equal).containsExactly(0, 0, 0);
        assertThat(rounded).containsExactly(0, 0, 0);
        assertThat(small).containsExactly(0, 1);
        assertThat(infinite).containsExactly(1, 0.5, 0);
        assertThat(DiagonalFactors.identity(2, 3).inputs()).containsExactly(1, 1, 1);
        assertThat(DiagonalFactors.identity(2, 3).outputs()).containsExactly(1, 1);
    }
}
