// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * Steepest descent with momentum.
 *
 * <pre>
 *   g = G + wd W        v = mu v + g
 *   W = W - lr v                     (heavy ball)
 *   W = W - lr (g + mu v)            (Nesterov)
 * </pre>
 *
 * <p>No departures. v is {@code velocity}.
 *
 * <p>Reference: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", equations 1
 * to 4, in the form that PyTorch made common: the velocity does not contain the rate.
 */
final class SGD implements Optimizer {
    static final Knob<Double> MOMENTUM = Knob.decay("momentum", 0.9, "Decay of the velocity; 0 for none.");
    static final Knob<Double> WEIGHT_DECAY =
            Knob.decay("weight-decay", 0, "Pull of the parameters towards zero, as a part of the gradient.");
    static final List<Knob<?>> KNOBS = List.of(Knobs.LEARNING_RATE.withDefault(1e-2), MOMENTUM, WEIGHT_DECAY);

    private static final String VELOCITY = "velocity";

    private final String name;
    private final Update update;

    SGD(OptimizerSettings settings, boolean nesterov) {
        this.name = settings.name();
        double lr = settings.get(Knobs.LEARNING_RATE);
        double momentum = settings.get(MOMENTUM);
        double decay = settings.get(WEIGHT_DECAY);
        this.update = nesterov ? new Update(momentum, decay, lr, lr * momentum) : new Update(momentum, decay, 0, lr);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(List.of(TensorSpec.dense(VELOCITY, rows, columns)), List.of());
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        gradient.run(update, 2, parameters, state.tensor(VELOCITY));
        state.markDirty(VELOCITY);
    }

    /** {@code w -= gradientRate g + velocityRate v}. */
    private record Update(double momentum, double decay, double gradientRate, double velocityRate) implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] w = tiles[0];
            float[] v = tiles[1];
            float[] gradient = tiles[2];
            float mu = (float) momentum;
            float wd = (float) decay;
            float gradientStep = (float) gradientRate;
            float velocityStep = (float) velocityRate;
            for (int i = 0; i < length; i++) {
                float g = gradient[i] + wd * w[i];
                float vi = mu * v[i] + g;
                v[i] = vi;
                w[i] -= gradientStep * g + velocityStep * vi;
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] w = tiles[0];
            double[] v = tiles[1];
            double[] gradient = tiles[2];
            for (int i = 0; i < length; i++) {
                double g = gradient[i] + decay * w[i];
                v[i] = momentum * v[i] + g;
                w[i] -= gradientRate * g + velocityRate * v[i];
            }
        }
    }
}
