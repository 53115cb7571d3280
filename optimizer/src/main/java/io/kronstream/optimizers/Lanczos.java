// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.LeadingProducts;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.List;
import java.util.stream.Stream;

/**
 * KPSVD by Lanczos bidiagonalisation: natural gradient with the two Kronecker products that are together nearest to each
 * layer's block of the Fisher matrix, found both at once.
 *
 * <p>The step is that of {@link TwoProductOptimizer}; the products are those of {@link Deflation}, in exact arithmetic the
 * same, found as in {@link LeadingProducts}, from the running G and Q.
 *
 * <p>Departures: those of {@link TwoProductOptimizer} and {@link LeadingProducts}.
 *
 * <p>Reference: Koroko et al. 2022, arXiv 2201.10285, section 3.
 */
final class Lanczos extends TwoProductOptimizer {
    static final Knob<Integer> STEPS = Knob.count(
            "lanczos-steps", 2, 8, "Steps of a cycle; scratch memory for as many pairs of vectors of full size.");
    static final Knob<Integer> CYCLES = Knob.count("cycles", 1, 4, "Most cycles for a mini-batch.");
    static final List<Knob<?>> KNOBS = Stream.concat(
                    COMMON_KNOBS.stream(),
                    Stream.<Knob<?>>of(KPSVD.TOLERANCE, STEPS, CYCLES, DENOMINATOR_FLOOR, INDEFINITE))
            .toList();

    private final LeadingProducts leading;

    Lanczos(OptimizerSettings settings, Precision precision) {
        super(settings, precision);
        this.leading = new LeadingProducts(
                precision, settings.get(KPSVD.TOLERANCE), settings.get(STEPS), settings.get(CYCLES));
    }

    @Override
    void products(Matrix activations, Matrix gradients, Pair left, Pair right) {
        leading.find(activations, gradients, left.first(), right.first(), left.second(), right.second());
    }

    @Override
    public void close() {
        leading.close();
        super.close();
    }
}
