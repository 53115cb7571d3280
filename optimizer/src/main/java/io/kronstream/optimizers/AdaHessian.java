// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Elementwise;
import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * Adam whose second moment is of the Hessian's diagonal rather than of the gradient, estimated by one exact product of the
 * Hessian with a random direction z of signs.
 *
 * <p>Step k = 1, 2, ...:
 *
 * <pre>
 *   h = |z * (H z)| = |H z|
 *   M = b1 M + (1 - b1) G            V = b2 V + (1 - b2) h^2
 *   D = (sqrt(V) / sqrt(1 - b2^k))^p + eps
 *   W = W - lr ((M / (1 - b1^k)) / D + wd W)              with the W before the step on the right
 * </pre>
 *
 * <p>Departures: h is not averaged over the entries of a block; the authors' code does so for convolutions alone, which
 * there are none of. A product that is not finite, or whose square is not, leaves V as it was.
 *
 * <p>M is {@code momentum}, V is {@code secondMoment}, p is {@code hessian-power}.
 *
 * <p>Reference: Yao et al. 2021, arXiv 2006.00719, and its authors' {@code optim_adahessian.py}.
 */
final class AdaHessian implements Optimizer {
    static final Knob<Double> POWER = Knob.nonNegative(
            "hessian-power", 1, "Of the curvature that steps are divided by; 1 is Newton's, 0 gradient descent.");
    static final Knob<Double> EPSILON =
            Knob.damping("epsilon", 1e-4, "Added to the denominator, which is zero where the loss is not curved.");
    static final List<Knob<?>> KNOBS = List.of(
            Knobs.LEARNING_RATE.withDefault(0.15),
            Knobs.BETA1,
            Knobs.BETA2,
            EPSILON,
            POWER,
            AdamW.WEIGHT_DECAY.withDefault(0.0));

    private static final String STEPS = "steps";
    private static final String MOMENTUM = "momentum";
    private static final String SECOND_MOMENT = "secondMoment";

    /** Products with larger sums of squares are left out. */
    private static final double LARGEST_SQUARE = 0.25 * Float.MAX_VALUE;

    private final String name;
    private final double learningRate;
    private final double beta1;
    private final double beta2;
    private final double epsilon;
    private final double power;
    private final double weightDecay;

    AdaHessian(OptimizerSettings settings) {
        this.name = settings.name();
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.beta1 = settings.get(Knobs.BETA1);
        this.beta2 = settings.get(Knobs.BETA2);
        this.epsilon = settings.get(EPSILON);
        this.power = settings.get(POWER);
        this.weightDecay = settings.get(AdamW.WEIGHT_DECAY);
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
    public boolean wantsHessian() {
        return true;
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        long k = state.counter(STEPS) + 1;
        state.setCounter(STEPS, k);
        Matrix curvature = gradient.hessianProduct();
        boolean known = curvature.squaredNorm() <= LARGEST_SQUARE;
        // The parameters' share of the decay is taken before the step, which is the same.
        double rate = learningRate / (1 - StrictMath.pow(beta1, k));
        double scale = 1 / Math.sqrt(1 - StrictMath.pow(beta2, k));
        Update update =
                new Update(beta1, known ? beta2 : 1, rate, scale, epsilon, power, 1 - learningRate * weightDecay);
        Elementwise.run(
                update,
                3,
                parameters,
                state.tensor(MOMENTUM),
                state.tensor(SECOND_MOMENT),
                gradient.gradient(),
                known ? curvature : gradient.gradient());
        state.markDirty(MOMENTUM);
        state.markDirty(SECOND_MOMENT);
    }

    private record Update(
            double beta1, double beta2, double rate, double scale, double epsilon, double power, double kept)
            implements Kernel {
        /** In double precision within: the squares of small curvatures are no floats, and neither are some powers. */
        @Override
        public void apply(float[][] tiles, int length) {
            for (int i = 0; i < length; i++) {
                double m = beta1 * tiles[1][i] + (1 - beta1) * tiles[3][i];
                double v = beta2 * tiles[2][i] + (1 - beta2) * ((double) tiles[4][i] * tiles[4][i]);
                tiles[1][i] = (float) m;
                tiles[2][i] = (float) v;
                tiles[0][i] = (float) (kept * tiles[0][i] - rate * m / denominator(v));
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            for (int i = 0; i < length; i++) {
                double m = beta1 * tiles[1][i] + (1 - beta1) * tiles[3][i];
                double v = beta2 * tiles[2][i] + (1 - beta2) * tiles[4][i] * tiles[4][i];
                tiles[1][i] = m;
                tiles[2][i] = v;
                tiles[0][i] = kept * tiles[0][i] - rate * m / denominator(v);
            }
        }

        private double denominator(double v) {
            double root = Math.sqrt(v) * scale;
            return (power == 1 ? root : StrictMath.pow(root, power)) + epsilon;
        }
    }
}
