// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.NearestProduct;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;

/**
 * K-FAC corrected: natural gradient with the Kronecker product of K-FAC and the one that is nearest to what it leaves of
 * each layer's block of the Fisher matrix.
 *
 * <p>The step is that of {@link TwoProductOptimizer}, with
 *
 * <pre>
 *   A = mean abar abar^T,   G = mean g g^T,   P kron Q nearest to F - A kron G
 * </pre>
 *
 * <p>Departures: those of {@link TwoProductOptimizer} and {@link NearestProduct}.
 *
 * <p>Reference: Koroko et al. 2022, arXiv 2201.10285, section 3.
 */
final class KFACCorrected extends TwoProductOptimizer {
    private final NearestProduct nearest;

    KFACCorrected(OptimizerSettings settings, Precision precision) {
        super(settings, precision);
        this.nearest = new NearestProduct(precision, settings.get(KPSVD.TOLERANCE), settings.get(KPSVD.ITERATIONS));
    }

    @Override
    void products(Matrix activations, Matrix gradients, Pair left, Pair right) {
        double scale = 1.0 / activations.rows();
        left.first().addGram(scale, gradients, true, 0);
        right.first().addGram(scale, activations, true, 0);
        nearest.findBeside(activations, gradients, left.first(), right.first(), left.second(), right.second());
    }

    @Override
    public void close() {
        nearest.close();
        super.close();
    }
}
