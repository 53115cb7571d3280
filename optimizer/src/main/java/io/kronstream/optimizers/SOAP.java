// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * Adam in the eigenbasis of Shampoo's factors, the decayed sums of {@code G G^T} and {@code G^T G}.
 *
 * <p>The step is that of {@link EigenbasisOptimizer}, with
 *
 * <pre>
 *   L = bf L + (1 - bf) G G^T        R = bf R + (1 - bf) G^T G
 * </pre>
 *
 * <p>Departures: those of {@link EigenbasisOptimizer}.
 *
 * <p>Reference: Vyas et al. 2024, arXiv 2409.11321, algorithm 3, and its authors' {@code soap.py}.
 */
final class SOAP extends EigenbasisOptimizer {
    static final List<Knob<?>> KNOBS = COMMON_KNOBS;

    private final double decay;

    SOAP(OptimizerSettings settings, Precision precision) {
        super(settings, precision);
        this.decay = settings.get(FACTOR_BETA);
    }

    @Override
    void startFactors(LayerGradient gradient, Matrix left, Matrix right) {
        // From zero.
    }

    @Override
    void follow(LayerGradient gradient, Matrix left, Matrix right) {
        products.leftMoment(1 - decay, 1, gradient, null, left, decay);
        products.rightMoment(1 - decay, 1, gradient, null, right, decay);
    }
}
