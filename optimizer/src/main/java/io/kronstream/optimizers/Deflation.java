// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.NearestProduct;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;

/**
 * KPSVD with deflation: natural gradient with the two Kronecker products that are together nearest to each layer's block
 * of the Fisher matrix.
 *
 * <p>The step is that of {@link TwoProductOptimizer}, with the first two singular triples of the rearranged F:
 *
 * <pre>
 *   A kron G = s1 MAT(u1) kron MAT(v1),   P kron Q = s2 MAT(u2) kron MAT(v2)
 * </pre>
 *
 * <p>Departures: those of {@link TwoProductOptimizer} and {@link NearestProduct}.
 *
 * <p>Reference: Koroko et al. 2022, arXiv 2201.10285, section 3.
 */
final class Deflation extends TwoProductOptimizer {
    private final NearestProduct nearest;

    Deflation(OptimizerSettings settings, Precision precision) {
        super(settings, precision);
        this.nearest = new NearestProduct(precision, settings.get(KPSVD.TOLERANCE), settings.get(KPSVD.ITERATIONS));
    }

    @Override
    void products(Matrix activations, Matrix gradients, Pair left, Pair right) {
        nearest.find(activations, gradients, left.first(), right.first());
        nearest.findBeside(activations, gradients, left.first(), right.first(), left.second(), right.second());
    }

    @Override
    public void close() {
        nearest.close();
        super.close();
    }
}
