// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.List;

/**
 * Natural gradient with each layer's block of the Fisher matrix as the outer product of two mean vectors, which needs no
 * matrix to be inverted.
 *
 * <p>With the augmented inputs a_t and the derivatives q_t of the mean loss, of at most the first b examples:
 *
 * <pre>
 *   a = (1 - x) a + x mean_t a_t         q = (1 - x) q + x mean_t q_t         the first mini-batch sets them
 *   U  = (G - (q^T G a) / (|a|^2 |q|^2 + lambda) q a^T) / lambda             for each layer
 *   nu = min(1, sqrt(c / (lr^2 sum &lt;U, G&gt;)))                                over all layers
 *   V  = mu V + nu U         W = W - lr V
 * </pre>
 *
 * <p>U is the exact {@code (q q^T kron a a^T + lambda I)^-1 G} by Sherman and Morrison's formula, so that
 * {@code <U, G> = (|G|^2 - (q^T G a)^2 / (|a|^2 |q|^2 + lambda)) / lambda} needs no second pass.
 *
 * <p>No departures from the authors' code, in which x = 0.95 is the weight of the new vectors and not of the old.
 *
 * <p>a is {@code inputMean}, q {@code outputMean}, V {@code velocity}, b {@code examples}, c {@code kl-clip}.
 *
 * <p>Reference: Zhang et al. 2023, "Eva: practical second-order optimization with Kronecker-vectorized approximation",
 * and its authors' {@code eva.py}.
 */
final class Eva implements Optimizer {
    static final Knob<Double> DAMPING =
            Knob.damping("damping", 0.03, "Added to the Fisher matrix; the largest direction is the gradient over it.");
    static final Knob<Double> NEW_WEIGHT =
            Knob.weight("new-weight", 0.95, "Weight of a mini-batch's own mean vectors against the earlier ones.");
    static final Knob<Integer> EXAMPLES =
            Knob.count("examples", 1, 16, "Most examples of a mini-batch that the mean vectors are made of.");
    static final Knob<Double> KL_CLIP = Knob.nonNegative(
            "kl-clip", 1e-3, "Bound of the step's length in the metric of the Fisher matrix; 0 for none.");
    static final List<Knob<?>> KNOBS =
            List.of(Knobs.LEARNING_RATE.withDefault(0.05), SGD.MOMENTUM, DAMPING, NEW_WEIGHT, EXAMPLES, KL_CLIP);

    private static final String STEPS = "steps";
    private static final String VELOCITY = "velocity";
    private static final String INPUT_MEAN = "inputMean";
    private static final String OUTPUT_MEAN = "outputMean";

    private final String name;
    private final double learningRate;
    private final double momentum;
    private final double damping;
    private final double newWeight;
    private final int examples;
    private final double klClip;

    Eva(OptimizerSettings settings) {
        this.name = settings.name();
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.momentum = settings.get(SGD.MOMENTUM);
        this.damping = settings.get(DAMPING);
        this.newWeight = settings.get(NEW_WEIGHT);
        this.examples = settings.get(EXAMPLES);
        this.klClip = settings.get(KL_CLIP);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Memory memory(int rows, int columns) {
        return new Memory(
                List.of(
                        TensorSpec.dense(VELOCITY, rows, columns),
                        TensorSpec.dense(INPUT_MEAN, 1, columns),
                        TensorSpec.dense(OUTPUT_MEAN, 1, rows)),
                List.of(STEPS));
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        step(List.of(gradient), List.of(parameters), List.of(state));
    }

    @Override
    public void step(List<LayerGradient> gradients, List<Matrix> parameters, List<LayerState> layers) {
        List<Direction> directions = new ArrayList<>();
        double length = 0;
        for (int layer = 0; layer < layers.size(); layer++) {
            Direction direction = direction(gradients.get(layer), layers.get(layer));
            directions.add(direction);
            length += direction.alongGradient(damping);
        }
        double clipped = learningRate * learningRate * length;
        double fraction = klClip > 0 && clipped > klClip ? Math.sqrt(klClip / clipped) : 1;
        for (int layer = 0; layer < layers.size(); layer++) {
            advance(directions.get(layer), fraction / damping, parameters.get(layer), layers.get(layer));
        }
    }

    /** Takes a layer's mean vectors through a mini-batch; returns the direction that they make of its gradient. */
    private Direction direction(LayerGradient layer, LayerState state) {
        long steps = state.counter(STEPS);
        state.setCounter(STEPS, steps + 1);
        double weight = steps == 0 ? 1 : newWeight;
        double[] a = average(INPUT_MEAN, layer.activations(), 1, weight, state);
        double[] q = average(OUTPUT_MEAN, layer.preActivationGradients(), 1.0 / layer.batch(), weight, state);
        Matrix gradient = layer.gradient();
        double[] g = new double[a.length];
        double product = 0;
        for (int i = 0; i < q.length; i++) {
            gradient.read(i * g.length, g, 0, g.length);
            product += q[i] * dot(g, a);
        }
        return new Direction(gradient, a, q, product, product / (dot(a, a) * dot(q, q) + damping));
    }

    private double[] average(String tensor, Matrix rows, double scale, double weight, LayerState state) {
        int n = rows.columns();
        int count = Math.min(examples, rows.rows());
        double[] row = new double[n];
        double[] mean = new double[n];
        for (int t = 0; t < count; t++) {
            rows.read(t * n, row, 0, n);
            for (int j = 0; j < n; j++) {
                mean[j] += scale * row[j] / count;
            }
        }
        Matrix stored = state.tensor(tensor);
        stored.read(0, row, 0, n);
        for (int j = 0; j < n; j++) {
            mean[j] = (1 - weight) * row[j] + weight * mean[j];
        }
        stored.write(0, mean, 0, n);
        state.markDirty(tensor);
        return mean;
    }

    /** Moves along {@code scale} times a direction, with momentum. */
    private void advance(Direction direction, double scale, Matrix parameters, LayerState state) {
        int n = parameters.columns();
        Matrix velocity = state.tensor(VELOCITY);
        double[] u = new double[n];
        double[] v = new double[n];
        double[] w = new double[n];
        for (int i = 0; i < parameters.rows(); i++) {
            direction.read(i, u);
            velocity.read(i * n, v, 0, n);
            parameters.read(i * n, w, 0, n);
            for (int j = 0; j < n; j++) {
                v[j] = momentum * v[j] + scale * u[j];
                w[j] -= learningRate * v[j];
            }
            velocity.write(i * n, v, 0, n);
            parameters.write(i * n, w, 0, n);
        }
        state.markDirty(VELOCITY);
    }

    private static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int j = 0; j < x.length; j++) {
            sum += x[j] * y[j];
        }
        return sum;
    }

    /** {@code lambda U = G - share q a^T}, row by row; {@code product} is {@code q^T G a}. */
    private record Direction(Matrix gradient, double[] a, double[] q, double product, double share) {
        void read(int row, double[] u) {
            gradient.read(row * u.length, u, 0, u.length);
            for (int j = 0; j < u.length; j++) {
                u[j] -= share * q[row] * a[j];
            }
        }

        /** {@code <U, G>}, which rounding must not make negative. */
        double alongGradient(double damping) {
            return Math.max(0, gradient.squaredNorm() - share * product) / damping;
        }
    }
}
