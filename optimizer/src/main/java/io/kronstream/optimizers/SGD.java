// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Elementwise;
import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * Steepest descent with momentum.
 *
 * <pre>
 *   g = G + wd W        v = b1 v + g
 *   W = W - lr v                     (heavy ball)
 *   W = W - lr (g + b1 v)            (Nesterov)
 * </pre>
 *
 * <p>No departures. v is {@code velocity}.
 *
 * <p>Reference: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", equations 1
 * to 4, in the form that PyTorch made common: the velocity does not contain the rate.
 */
final class SGD implements Optimizer {
    private static final String VELOCITY = "velocity";

    private final OptimizerSettings settings;
    private final Update update;

    SGD(OptimizerSettings settings, boolean nesterov) {
        this.settings = settings;
        double lr = settings.learningRate();
        this.update = nesterov
                ? new Update(settings.beta1(), settings.weightDecay(), lr, lr * settings.beta1())
                : new Update(settings.beta1(), settings.weightDecay(), 0, lr);
    }

    @Override
    public String name() {
        return settings.name();
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(List.of(TensorSpec.dense(VELOCITY, rows, columns)), List.of());
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        Elementwise.run(update, 2, parameters, state.tensor(VELOCITY), gradient.gradient());
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
