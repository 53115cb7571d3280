// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * Steps along the running mean of the gradient, each entry divided by the root of its running mean square.
 *
 * <p>Step k = 1, 2, ...:
 *
 * <pre>
 *   g = G + wd W
 *   M = b1 M + (1 - b1) g            V = b2 V + (1 - b2) g^2
 *   W = W - lr (M / (1 - b1^k)) / (sqrt(V / (1 - b2^k)) + eps)
 * </pre>
 *
 * <p>No departures; the weight decay is the L2 term of the original. M is {@code momentum}, V is {@code secondMoment}.
 *
 * <p>Reference: Kingma and Ba 2015, arXiv 1412.6980, algorithm 1.
 */
final class Adam implements Optimizer {
    static final Knob<Double> WEIGHT_DECAY =
            Knob.decay("weight-decay", 0, "Pull of the parameters towards zero, as a part of the gradient.");
    static final List<Knob<?>> KNOBS =
            List.of(Knobs.LEARNING_RATE, Knobs.BETA1, Knobs.BETA2, Knobs.EPSILON, WEIGHT_DECAY);

    private static final String STEPS = "steps";
    private static final String MOMENTUM = "momentum";
    private static final String SECOND_MOMENT = "secondMoment";

    private final String name;
    private final double learningRate;
    private final double beta1;
    private final double beta2;
    private final double epsilon;
    private final double weightDecay;

    Adam(OptimizerSettings settings) {
        this(settings, settings.get(WEIGHT_DECAY));
    }

    /** With this weight decay whatever the settings say. */
    Adam(OptimizerSettings settings, double weightDecay) {
        this.name = settings.name();
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.beta1 = settings.get(Knobs.BETA1);
        this.beta2 = settings.get(Knobs.BETA2);
        this.epsilon = settings.get(Knobs.EPSILON);
        this.weightDecay = weightDecay;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(
                List.of(TensorSpec.dense(MOMENTUM, rows, columns), TensorSpec.dense(SECOND_MOMENT, rows, columns)),
                List.of(STEPS));
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        long k = state.counter(STEPS) + 1;
        state.setCounter(STEPS, k);
        double correction1 = 1 - StrictMath.pow(beta1, k);
        double correction2 = 1 - StrictMath.pow(beta2, k);
        // The root of the second correction is taken out of the denominator.
        Update update =
                new Update(beta1, beta2, learningRate / correction1, 1 / Math.sqrt(correction2), epsilon, weightDecay);
        gradient.run(update, 3, parameters, state.tensor(MOMENTUM), state.tensor(SECOND_MOMENT));
        state.markDirty(MOMENTUM);
        state.markDirty(SECOND_MOMENT);
    }

    private record Update(double beta1, double beta2, double rate, double rootScale, double epsilon, double decay)
            implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] w = tiles[0];
            float[] m = tiles[1];
            float[] v = tiles[2];
            float[] gradient = tiles[3];
            float b1 = (float) beta1;
            float c1 = (float) (1 - beta1);
            float b2 = (float) beta2;
            float c2 = (float) (1 - beta2);
            float lr = (float) rate;
            float scale = (float) rootScale;
            float eps = (float) epsilon;
            float wd = (float) decay;
            for (int i = 0; i < length; i++) {
                float g = gradient[i] + wd * w[i];
                float mi = b1 * m[i] + c1 * g;
                float vi = b2 * v[i] + c2 * g * g;
                m[i] = mi;
                v[i] = vi;
                w[i] -= lr * mi / ((float) Math.sqrt(vi) * scale + eps);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] w = tiles[0];
            double[] m = tiles[1];
            double[] v = tiles[2];
            double[] gradient = tiles[3];
            for (int i = 0; i < length; i++) {
                double g = gradient[i] + decay * w[i];
                m[i] = beta1 * m[i] + (1 - beta1) * g;
                v[i] = beta2 * v[i] + (1 - beta2) * g * g;
                w[i] -= rate * m[i] / (Math.sqrt(v[i]) * rootScale + epsilon);
            }
        }
    }
}
