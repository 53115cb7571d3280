// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * Divides each entry of the gradient by the root of the sum of all its squares so far.
 *
 * <pre>
 *   g = G + wd W        s = sqrt(s^2 + g^2)
 *   W = W - lr g / (s + eps)
 * </pre>
 *
 * <p>No departures; s, the norm of each entry's gradients, is what is stored, as their squares need not be floats. It
 * forgets nothing: steps fade as one over the root of time, and a stream that drifts for long is better served by a
 * second moment that decays.
 *
 * <p>s is {@code norm}; lr and eps are the eta and delta of the paper.
 *
 * <p>Reference: Duchi, Hazan and Singer 2011, "Adaptive subgradient methods for online learning and stochastic
 * optimization", figure 1 with diagonal matrices, as composite mirror descent without a regulariser.
 */
final class Adagrad implements Optimizer {
    static final List<Knob<?>> KNOBS =
            List.of(Knobs.LEARNING_RATE.withDefault(1e-2), Knobs.EPSILON.withDefault(1e-10), Adam.WEIGHT_DECAY);

    private static final String NORM = "norm";

    private final String name;
    private final Update update;

    Adagrad(OptimizerSettings settings) {
        this.name = settings.name();
        this.update = new Update(
                settings.get(Knobs.LEARNING_RATE), settings.get(Knobs.EPSILON), settings.get(Adam.WEIGHT_DECAY));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(List.of(TensorSpec.dense(NORM, rows, columns)), List.of());
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        gradient.run(update, 2, parameters, state.tensor(NORM));
        state.markDirty(NORM);
    }

    private record Update(double rate, double epsilon, double decay) implements Kernel {
        /** In double precision within, which squares of any float fit. */
        @Override
        public void apply(float[][] tiles, int length) {
            float[] w = tiles[0];
            float[] s = tiles[1];
            float[] gradient = tiles[2];
            for (int i = 0; i < length; i++) {
                double g = gradient[i] + decay * w[i];
                double norm = Math.sqrt((double) s[i] * s[i] + g * g);
                s[i] = (float) norm;
                w[i] = (float) (w[i] - rate * g / (norm + epsilon));
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] w = tiles[0];
            double[] s = tiles[1];
            double[] gradient = tiles[2];
            for (int i = 0; i < length; i++) {
                double g = gradient[i] + decay * w[i];
                s[i] = Math.sqrt(s[i] * s[i] + g * g);
                w[i] -= rate * g / (s[i] + epsilon);
            }
        }
    }
}
