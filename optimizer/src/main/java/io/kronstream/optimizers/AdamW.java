// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Matrix;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * {@link Adam} whose weight decay does not pass through the moments.
 *
 * <p>Before each step without decay: {@code W = (1 - lr wd) W}.
 *
 * <p>No departures; the state is Adam's.
 *
 * <p>Reference: Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2.
 */
final class AdamW implements Optimizer {
    static final Knob<Double> WEIGHT_DECAY =
            Knob.decay("weight-decay", 1e-2, "Pull of the parameters towards zero, in units of the learning rate.");
    static final List<Knob<?>> KNOBS =
            List.of(Knobs.LEARNING_RATE, Knobs.BETA1, Knobs.BETA2, Knobs.EPSILON, WEIGHT_DECAY);

    private final double kept;
    private final Adam adam;

    AdamW(OptimizerSettings settings) {
        this.kept = 1 - settings.get(Knobs.LEARNING_RATE) * settings.get(WEIGHT_DECAY);
        this.adam = new Adam(settings, 0);
    }

    @Override
    public String name() {
        return adam.name();
    }

    @Override
    public Memory memory(int rows, int columns) {
        return adam.memory(rows, columns);
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        if (kept != 1) {
            parameters.scale(kept);
        }
        adam.step(gradient, parameters, state);
    }
}
