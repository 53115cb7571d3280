// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * FTRL-Proximal: follows the leader of all gradients so far, held near the parameters it had on the way.
 *
 * <p>Each entry on its own, wherever g is not zero:
 *
 * <pre>
 *   q = sqrt(s^2 + g^2)        sigma = (q - s) / alpha        s = q
 *   z = z + g - sigma w
 *   w = 0 if |z| &lt;= l1, else -(z - sign(z) l1) / ((beta + s) / alpha + l2)
 * </pre>
 *
 * <p>which minimises {@code g_1:t w + 1/2 sum sigma_i (w - w_i)^2 + beta / (2 alpha) (w - w_0)^2 + l1 |w| + l2 w^2 / 2}.
 * Without l1 and l2 it is {@link Adagrad}'s step with {@code beta} in the place of eps.
 *
 * <p>Departures: the paper starts from w_0 = 0, at which a network learns nothing; here z starts at {@code -beta / alpha
 * w_0}, which holds an entry near its first value instead. The stored s is the root of the paper's n, whose squares need
 * not be floats. z means nothing without alpha and beta, so they cannot change between runs.
 *
 * <p>z is {@code leader}, s {@code norm}, alpha {@code learning-rate}.
 *
 * <p>Reference: McMahan et al. 2013, "Ad click prediction: a view from the trenches", algorithm 1.
 */
final class FTRL implements Optimizer {
    static final Knob<Double> BETA = Knob.positive(
                    "beta", 1, "Gradients whose norm is small against it take plain gradient steps of rate / beta.")
            .structural();
    static final Knob<Double> L1 =
            Knob.nonNegative("l1", 0, "Weight of the absolute parameters: makes entries exactly zero.");
    static final Knob<Double> L2 = Knob.nonNegative("l2", 0, "Weight of half the squared parameters.");
    static final List<Knob<?>> KNOBS =
            List.of(Knobs.LEARNING_RATE.withDefault(0.1).structural(), BETA, L1, L2);

    private static final String LEADER = "leader";
    private static final String NORM = "norm";

    private final String name;
    private final Update update;

    FTRL(OptimizerSettings settings) {
        this.name = settings.name();
        this.update =
                new Update(settings.get(Knobs.LEARNING_RATE), settings.get(BETA), settings.get(L1), settings.get(L2));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(
                List.of(TensorSpec.dense(LEADER, rows, columns), TensorSpec.dense(NORM, rows, columns)), List.of());
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        gradient.run(update, 3, parameters, state.tensor(LEADER), state.tensor(NORM));
        state.markDirty(LEADER);
        state.markDirty(NORM);
    }

    /** Its branch costs vectorised loops; inputs that are silent most of the time, its best case, skip all the work. */
    private record Update(double alpha, double beta, double l1, double l2) implements Kernel {
        /** In double precision within, which squares of any float fit. */
        @Override
        public void apply(float[][] tiles, int length) {
            float[] w = tiles[0];
            float[] z = tiles[1];
            float[] s = tiles[2];
            float[] gradient = tiles[3];
            for (int i = 0; i < length; i++) {
                double g = gradient[i];
                if (g != 0) {
                    // Rounded before it is used, so that the sigmas of all steps add up to the stored norm.
                    float norm = (float) Math.sqrt((double) s[i] * s[i] + g * g);
                    z[i] = (float) leader(w[i], z[i], s[i], norm, g);
                    w[i] = (float) minimum(z[i], norm);
                    s[i] = norm;
                }
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] w = tiles[0];
            double[] z = tiles[1];
            double[] s = tiles[2];
            double[] gradient = tiles[3];
            for (int i = 0; i < length; i++) {
                double g = gradient[i];
                if (g != 0) {
                    double norm = Math.sqrt(s[i] * s[i] + g * g);
                    z[i] = leader(w[i], z[i], s[i], norm, g);
                    w[i] = minimum(z[i], norm);
                    s[i] = norm;
                }
            }
        }

        /** The next z, from a norm that grows; a norm of zero means that the entry has seen no gradient. */
        private double leader(double w, double z, double norm, double nextNorm, double g) {
            double before = norm == 0 ? -beta / alpha * w : z;
            return before + g - (nextNorm - norm) / alpha * w;
        }

        private double minimum(double z, double norm) {
            double beyond = Math.max(0, Math.abs(z) - l1);
            return -Math.copySign(beyond, z) / ((beta + norm) / alpha + l2);
        }
    }
}
