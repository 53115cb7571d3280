// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.network.LayerShape;
import io.kronstream.optimizers.Optimizers;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Against numbers worked out by hand from the shapes. */
class BenchFlopsTest {
    /** Two inputs, three hidden units, one output. */
    private static final List<LayerShape> TWO_LAYERS = List.of(new LayerShape(3, 3), new LayerShape(1, 4));

    private static final List<LayerShape> SQUARE = List.of(new LayerShape(10, 10));

    @Test
    void theGradient() {
        // B = 5. First layer: forward and G, 2 * 90. Second: forward and G, 2 * 40, and the derivatives, 2 * 5 * 1 * 3.
        assertThat(BenchFlops.gradient(TWO_LAYERS, 5)).isEqualTo(180 + 80 + 30);
    }

    @Test
    void firstOrderMethodsNeedTheGradientAlone() {
        assertThat(BenchFlops.optimizer("adam", TWO_LAYERS, 5)).isZero();
        assertThat(BenchFlops.refresh("adam", TWO_LAYERS)).isZero();
        assertThat(BenchFlops.install("adam", TWO_LAYERS)).isZero();
    }

    @Test
    void soapWithALargeBatchWorksOnTheGradient() {
        // Rotation there and back, 2 * 2 * 10 * 10 * 20, and two symmetric products of 1000.
        assertThat(BenchFlops.optimizer("soap", SQUARE, 1000)).isEqualTo(8000 + 2000);
    }

    @Test
    void soapWithOneExampleWorksOnItsThinFactors() {
        // There 2 * 100 + 200 + 200 without the 200 of G itself; back 4000; each factor 10 + 20 + 100.
        assertThat(BenchFlops.optimizer("soap", SQUARE, 1)).isEqualTo(400 + 4000 + 260);
    }

    @Test
    void dykafWithALargeBatchWorksOnTheGradient() {
        assertThat(BenchFlops.optimizer("dykaf", SQUARE, 1000)).isEqualTo(8000 + 6000);
    }

    @Test
    void dykafWithOneExampleWorksOnItsThinFactors() {
        // As SOAP, and 200 more for each factor.
        assertThat(BenchFlops.optimizer("dykaf", SQUARE, 1)).isEqualTo(400 + 4000 + 660);
    }

    @Test
    void eigenbasesAreRefreshedByQrAndTheMomentumRebased() {
        // Each side 14/3 * 1000; overlap and product 4000, no more than product by product.
        assertThat(BenchFlops.refresh("dykaf", SQUARE)).isCloseTo(2 * 14_000.0 / 3, within(1e-9));
        assertThat(BenchFlops.install("dykaf", SQUARE)).isEqualTo(8000);
    }

    @Test
    void aNumberHasNoBasisToRefresh() {
        List<LayerShape> row = List.of(new LayerShape(1, 4));

        // 14/3 * 64; installing takes 4 * 16 * 1, less than 2 * 64 + 2 * 16.
        assertThat(BenchFlops.refresh("soap", row)).isCloseTo(14 * 64.0 / 3, within(1e-9));
        assertThat(BenchFlops.install("soap", row)).isEqualTo(64);
    }

    @Test
    void shampooPreconditionsAMomentumWhateverTheBatch() {
        assertThat(BenchFlops.optimizer("shampoo", SQUARE, 1000)).isEqualTo(4000 + 2000);
        assertThat(BenchFlops.optimizer("shampoo", SQUARE, 1)).isEqualTo(4000 + 260);
        assertThat(BenchFlops.refresh("shampoo", SQUARE)).isCloseTo(2 * 17_000.0 / 3, within(1e-9));
    }

    @Test
    void kfacSamplesPreconditionsAndInverts() {
        // B = 5. First layer 3 x 3: from G 2 * 9 * 6 = 108; from the thin factors, with <U, G>, 90 + 54 + 54 + 300 - 90
        // = 408. Factors 45 + 45. Second 1 x 4: from G 40; factors 5 + 80; samples 30.
        assertThat(BenchFlops.optimizer("kfac", TWO_LAYERS, 5)).isEqualTo(108 + 90 + 40 + 85 + 30);
        assertThat(BenchFlops.refresh("kfac", TWO_LAYERS)).isEqualTo(27 + 27 + 1 + 64);
        assertThat(BenchFlops.install("kfac", TWO_LAYERS)).isZero();
    }

    @Test
    void kpsvdsFactorsAreThoseOfOnePowerIteration() {
        // Beyond K-FAC's 4 * Bm^2 + 3 * Bn^2: 180 + 135 and 20 + 240.
        assertThat(BenchFlops.optimizer("kpsvd", TWO_LAYERS, 5) - BenchFlops.optimizer("kfac", TWO_LAYERS, 5))
                .isEqualTo(180 + 135 + 20 + 240);
    }

    @Test
    void twoProductsGoThereAndBack() {
        // There and back 2 * 4000 from the gradient; factors of K-FAC and of one iteration, 6 * 10^5 and 5 * 10^5.
        assertThat(BenchFlops.optimizer("kfac-corrected", SQUARE, 1000)).isEqualTo(8000 + 1_100_000);
        assertThat(BenchFlops.refresh("kfac-corrected", SQUARE)).isCloseTo(2 * 43_000.0 / 3, within(1e-9));
    }

    @Test
    void shampooCutsLongSidesIntoBlocks() {
        // Two blocks of 1000 x 1000.
        List<LayerShape> wide = List.of(new LayerShape(1000, 2000));
        assertThat(BenchFlops.optimizer("shampoo", wide, 100_000)).isEqualTo(2 * (4e9 + 2e9));
        assertThat(BenchFlops.refresh("shampoo", wide)).isCloseTo(4 * 17e9 / 3, within(1.0));
    }

    @Test
    void adaHessianDifferentiatesBothPasses() {
        // B = 5. First layer: the direction's product 90 and the result's 90. Second: 80 and 80, and twice the
        // derivatives.
        assertThat(BenchFlops.optimizer("adahessian", TWO_LAYERS, 5)).isEqualTo(180 + 160 + 60);
    }

    @Test
    void everyOptimizerIsCounted() {
        assertThat(Optimizers.names()).allMatch(BenchFlops::knows);
    }
}
