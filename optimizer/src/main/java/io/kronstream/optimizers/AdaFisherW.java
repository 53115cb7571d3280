// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Matrix;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * {@link AdaFisher} whose weight decay passes neither through the momentum nor through the Fisher matrix.
 *
 * <p>{@code W = W - lr (M / (1 - b^k) / F + wd W)}, with the W before the step on the right; done as {@code W = (1 - lr
 * wd) W} before a step without decay, which is the same.
 *
 * <p>No departures beside {@link AdaFisher}'s; the presets and the state are its own too.
 *
 * <p>Reference: Gomes et al. 2024, arXiv 2405.16397, and its authors' {@code AdaFisher.py}.
 */
final class AdaFisherW implements Optimizer {
    /** Preset {@code paper}. */
    static final List<Knob<?>> PAPER_KNOBS = decoupled(AdaFisher.PAPER_KNOBS);

    /** Preset {@code code}. */
    static final List<Knob<?>> CODE_KNOBS = decoupled(AdaFisher.CODE_KNOBS);

    private final double kept;
    private final AdaFisher adaFisher;

    AdaFisherW(OptimizerSettings settings) {
        this.kept = 1 - settings.get(Knobs.LEARNING_RATE) * settings.get(AdamW.WEIGHT_DECAY);
        this.adaFisher = new AdaFisher(settings, 0);
    }

    private static List<Knob<?>> decoupled(List<Knob<?>> knobs) {
        return knobs.stream()
                .<Knob<?>>map(knob -> knob == Adam.WEIGHT_DECAY ? AdamW.WEIGHT_DECAY : knob)
                .toList();
    }

    @Override
    public String name() {
        return adaFisher.name();
    }

    @Override
    public Memory memory(int rows, int columns) {
        return adaFisher.memory(rows, columns);
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        if (kept != 1) {
            parameters.scale(kept);
        }
        adaFisher.step(gradient, parameters, state);
    }
}
