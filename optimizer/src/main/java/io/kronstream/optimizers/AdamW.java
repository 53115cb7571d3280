// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Matrix;
import io.kronstream.network.LayerGradient;

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
    private final OptimizerSettings settings;
    private final Adam adam;

    AdamW(OptimizerSettings settings) {
        this.settings = settings;
        this.adam = new Adam(settings.withWeightDecay(0));
    }

    @Override
    public String name() {
        return settings.name();
    }

    @Override
    public Memory memory(int rows, int columns) {
        return adam.memory(rows, columns);
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        if (settings.weightDecay() > 0) {
            parameters.scale(1 - settings.learningRate() * settings.weightDecay());
        }
        adam.step(gradient, parameters, state);
    }
}
