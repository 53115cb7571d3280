// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.GradientProducts;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Elementwise;
import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Stopwatch;
import io.kronstream.linalg.Stopwatch.Work;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the natural-gradient methods share: statistics of the Fisher matrix that follow the mini-batches, a direction
 * {@code U = Fhat^-1 G} for each layer, one length for all of them.
 *
 * <p>Step k = 1, 2, ...:
 *
 * <pre>
 *   if (k - 1) mod T1 = 0: the factors follow the mini-batch, X = rho X + (1 - rho) X_new
 *   U  = Fhat^-1 G                                        for each layer
 *   nu = min(1, sqrt(c / (lr^2 sum |&lt;U, G&gt;|)))           over all layers
 *   V  = mu V + nu U,   W = W - lr V
 *   if (k - 1) mod T2 = 0: what applies Fhat^-1 is refreshed
 * </pre>
 *
 * <p>The Fisher matrix is that of the model's own predictive distribution, from targets sampled anew for each mini-batch,
 * or the empirical one of the true targets.
 *
 * <p>Departures: a refresh is asked for after the step and installed before a later one, as all cubic work is; the first
 * ones, at powers of two up to a limit, are done in place, because early statistics change fast. A mini-batch whose
 * statistics would leave the range of a float changes no factor; a direction that would, changes nothing.
 *
 * <p>With Levenberg-Marquardt damping, every T steps the change of the mini-batch's loss is compared with that of the
 * quadratic model, {@code M = <G, D> + (<D, Fhat D> + lambda |D|^2) / 2} for the step {@code D = -lr V}: where their ratio
 * is above 3/4, lambda is multiplied by {@code (19/20)^T}, and where it is below 1/4 divided by it. It stays within a factor of
 * a million of the knob. The paper's model has the exact Fisher matrix of the mini-batch; this one has the approximation.
 *
 * <p>V is {@code velocity}, k is {@code steps}; lambda is {@code damping (19/20)^dampingExponent}, M {@code modelChange}; {@code refreshed} tells the sides that have been refreshed: before that, U
 * is the gradient.
 */
abstract class KroneckerOptimizer implements Optimizer {
    static final Knob<Double> MOMENTUM = Knob.decay("momentum", 0.9, "Decay of the velocity; 0 for none.");
    static final Knob<Double> DAMPING =
            Knob.damping("damping", 0.03, "Added to the Fisher matrix; large ones lead back to gradient descent.");
    static final Knob<Adaptation> ADAPTATION = Knob.choice(
                    "damping-adaptation",
                    Adaptation.FIXED,
                    "Whether the damping follows how well the model predicts the loss; costs a forward pass now and then.")
            .structural();
    static final Knob<Integer> ADAPTATION_INTERVAL = Knob.count(
            "damping-interval",
            1,
            5,
            "Steps between two adaptations of the damping; the work of each is spread over them.");
    static final Knob<Fisher> FISHER = Knob.choice(
            "fisher",
            Fisher.SAMPLED,
            "Targets of the statistics; sampled ones are right far from the optimum too, and cost a backward pass.");
    static final Knob<Double> FACTOR_DECAY =
            Knob.weight("factor-decay", 0.95, "Largest decay of the factors; at step k it is at most 1 - 1/k.");
    static final Knob<Integer> STATISTICS_INTERVAL =
            Knob.count("statistics-interval", 1, 1, "Steps between two mini-batches that the factors follow.");
    static final Knob<Double> KL_CLIP = Knob.nonNegative(
            "kl-clip", 1e-3, "Bound of the step's length in the metric of the Fisher matrix; 0 for none.");
    static final Knob<Boolean> KL_CLIP_WITH_RATE = Knob.flag(
            "kl-clip-with-rate",
            true,
            "Whether the bound is for the step, learning rate included, or for the direction, which clips far harder.");
    static final Knob<Integer> EARLY_REFRESHES =
            Knob.count("early-refreshes", 1, 8, "Last step after whose statistics a refresh is done in place.");

    static final List<Knob<?>> COMMON_KNOBS = List.of(
            Knobs.LEARNING_RATE.withDefault(3e-3),
            MOMENTUM,
            DAMPING,
            ADAPTATION,
            ADAPTATION_INTERVAL,
            FISHER,
            FACTOR_DECAY,
            STATISTICS_INTERVAL,
            Knobs.REFRESH_INTERVAL,
            EARLY_REFRESHES,
            KL_CLIP,
            KL_CLIP_WITH_RATE);

    /** What the damping does. */
    enum Adaptation {
        FIXED,
        LEVENBERG_MARQUARDT
    }

    /** Whose targets the statistics are made of. */
    enum Fisher {
        /** Drawn from the model's predictive distribution: the Fisher matrix. */
        SAMPLED,
        /** The true ones: the empirical Fisher matrix. */
        EMPIRICAL
    }

    private static final String STEPS = "steps";
    private static final String REFRESHED = "refreshed";
    private static final String VELOCITY = "velocity";
    private static final String DAMPING_EXPONENT = "dampingExponent";
    private static final String MODEL_CHANGE = "modelChange";
    private static final int BOTH_SIDES = 3;

    /** By which the damping changes for each step of the interval, and its largest power: a factor of a million. */
    private static final double DAMPING_BASE = 19.0 / 20;

    private static final long LARGEST_EXPONENT = 269;
    private static final double GOOD_RATIO = 0.75;
    private static final double BAD_RATIO = 0.25;

    /** Statistics with larger sums of squares are left out. */
    private static final double LARGEST_SQUARE = 0.25 * Float.MAX_VALUE;

    private final String name;
    private final double learningRate;
    private final double momentum;
    private final double damping;
    private final Adaptation adaptation;
    private final int adaptationInterval;
    private final Fisher fisher;
    private final double factorDecay;
    private final int statisticsInterval;
    private final int refreshInterval;
    private final int earlyRefreshes;
    private final double klClip;
    private final boolean klClipWithRate;
    private final Precision precision;
    private final EigenRefresh earlyRefresh;
    private final Map<Place, Matrix> directions = new HashMap<>();
    private final Map<Long, Matrix> rotated = new HashMap<>();

    /** Products with the gradient. */
    final GradientProducts products;

    /** Layers of one shape in one model need a direction each. */
    private record Place(int layer, int rows, int columns) {}

    KroneckerOptimizer(OptimizerSettings settings, Precision precision) {
        this.name = settings.name();
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.momentum = settings.get(MOMENTUM);
        this.damping = settings.get(DAMPING);
        this.adaptation = settings.get(ADAPTATION);
        this.adaptationInterval = settings.get(ADAPTATION_INTERVAL);
        this.fisher = settings.get(FISHER);
        this.factorDecay = settings.get(FACTOR_DECAY);
        this.statisticsInterval = settings.get(STATISTICS_INTERVAL);
        this.refreshInterval = settings.get(Knobs.REFRESH_INTERVAL);
        this.earlyRefreshes = settings.get(EARLY_REFRESHES);
        this.klClip = settings.get(KL_CLIP);
        this.klClipWithRate = settings.get(KL_CLIP_WITH_RATE);
        this.precision = precision;
        this.earlyRefresh = new EigenRefresh(precision);
        this.products = new GradientProducts(precision);
    }

    /** The tensors of the factors and of what applies the inverse. */
    abstract List<TensorSpec> factors(int rows, int columns);

    /**
     * Takes the factors through the statistics of a mini-batch.
     *
     * @param activations augmented inputs, B x n
     * @param gradients un-averaged derivatives with respect to pre-activations, B x m
     * @param first whether they are the first; the factors are then zero
     * @param decay the largest decay of the factors
     * @param step k
     */
    abstract void follow(
            Matrix activations, Matrix gradients, boolean first, double decay, long step, LayerState state);

    /** Sets {@code direction = Fhat^-1 G}; returns its inner product with G. */
    abstract double precondition(LayerGradient gradient, Matrix direction, LayerState state);

    /** The names of the factors G and A of each Kronecker product whose sum Fhat is. */
    List<FactorNames> products() {
        return List.of(new FactorNames("left", "right"));
    }

    /** G, m x m, and A, n x n. */
    record FactorNames(String left, String right) {}

    /** lambda as it is now. */
    final double damping(LayerState state) {
        return adaptation == Adaptation.FIXED
                ? damping
                : damping * StrictMath.pow(DAMPING_BASE, state.counter(DAMPING_EXPONENT));
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final Memory memory(int rows, int columns) {
        List<TensorSpec> tensors = new ArrayList<>();
        tensors.add(TensorSpec.dense(VELOCITY, rows, columns));
        tensors.addAll(factors(rows, columns));
        if (adaptation == Adaptation.FIXED) {
            return new Memory(tensors, List.of(STEPS, REFRESHED));
        }
        tensors.add(TensorSpec.dense(MODEL_CHANGE, 1, 1));
        return new Memory(tensors, List.of(STEPS, REFRESHED, DAMPING_EXPONENT));
    }

    @Override
    public final boolean wantsSamples(LayerState layer) {
        return fisher == Fisher.SAMPLED && layer.counter(STEPS) % statisticsInterval == 0;
    }

    @Override
    public final void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        step(List.of(gradient), List.of(parameters), List.of(state));
    }

    @Override
    public final void step(List<LayerGradient> gradients, List<Matrix> parameters, List<LayerState> layers) {
        for (int layer = 0; layer < layers.size(); layer++) {
            LayerState state = layers.get(layer);
            observe(gradients.get(layer), state);
            long k = state.counter(STEPS);
            if (k <= earlyRefreshes && Long.bitCount(k) == 1) {
                Matrix shape = parameters.get(layer);
                for (int side : sides(shape.rows(), shape.columns())) {
                    install(state, side, earlyRefresh.compute(task(state, side)));
                }
            }
        }
        advance(gradients, parameters, layers);
    }

    /** The first part of a layer's step: counts it, and takes the factors through its statistics if they are due. */
    final void observe(LayerGradient gradient, LayerState state) {
        long k = state.counter(STEPS) + 1;
        state.setCounter(STEPS, k);
        if ((k - 1) % statisticsInterval != 0) {
            return;
        }
        Matrix activations = gradient.activations();
        Matrix derivatives =
                fisher == Fisher.SAMPLED ? gradient.sampledPreActivationGradients() : gradient.preActivationGradients();
        if (activations.squaredNorm() <= LARGEST_SQUARE && derivatives.squaredNorm() <= LARGEST_SQUARE) {
            Work before = Stopwatch.enter(Work.FACTORS);
            follow(activations, derivatives, k == 1, factorDecay, k, state);
            Stopwatch.leave(before);
        }
    }

    /** The second part: moves the parameters of all layers by one common fraction of their directions. */
    final void advance(List<LayerGradient> gradients, List<Matrix> parameters, List<LayerState> layers) {
        double length = 0;
        for (int layer = 0; layer < layers.size(); layer++) {
            LayerGradient gradient = gradients.get(layer);
            LayerState state = layers.get(layer);
            Matrix direction = direction(layer, parameters.get(layer));
            if (state.counter(REFRESHED) == BOTH_SIDES) {
                length += Math.abs(precondition(gradient, direction, state));
            } else {
                direction.copyFrom(gradient.gradient());
                length += gradient.squaredNorm();
            }
        }
        if (!Double.isFinite(length)) {
            return;
        }
        Advance advance = new Advance(momentum, fraction(length), learningRate);
        for (int layer = 0; layer < layers.size(); layer++) {
            LayerState state = layers.get(layer);
            Matrix weights = parameters.get(layer);
            Elementwise.run(advance, 2, weights, state.tensor(VELOCITY), direction(layer, weights));
            state.markDirty(VELOCITY);
            if (wantsLossAfter(state)) {
                predict(gradients.get(layer).gradient(), state.tensor(VELOCITY), direction(layer, weights), state);
            }
        }
    }

    /** Remembers how the model says that a layer's step changes the loss; the product is scratch memory. */
    private void predict(Matrix gradient, Matrix velocity, Matrix product, LayerState state) {
        double curvature = damping(state) * velocity.squaredNorm();
        for (FactorNames names : products()) {
            Matrix half = rotated(velocity);
            half.multiply(1, velocity, false, state.tensor(names.right), false, 0);
            product.multiply(1, state.tensor(names.left), false, half, false, 0);
            curvature += velocity.dot(product);
        }
        double change = -learningRate * gradient.dot(velocity) + learningRate * learningRate / 2 * curvature;
        state.tensor(MODEL_CHANGE).set(0, 0, Math.max(-LARGEST_SQUARE, Math.min(LARGEST_SQUARE, change)));
        state.markDirty(MODEL_CHANGE);
    }

    @Override
    public final boolean wantsLossAfter(LayerState layer) {
        return adaptation != Adaptation.FIXED && layer.counter(STEPS) % adaptationInterval == 0;
    }

    @Override
    public final void judge(double before, double after, List<LayerState> layers) {
        double predicted = 0;
        for (LayerState layer : layers) {
            predicted += layer.tensor(MODEL_CHANGE).get(0, 0);
        }
        // A model that promises no descent is as wrong as one that was not kept; no NaN is above anything.
        double ratio = predicted < 0 ? (after - before) / predicted : Double.NEGATIVE_INFINITY;
        long change = ratio > GOOD_RATIO ? adaptationInterval : ratio >= BAD_RATIO ? 0 : -adaptationInterval;
        for (LayerState layer : layers) {
            long exponent = layer.counter(DAMPING_EXPONENT) + change;
            layer.setCounter(DAMPING_EXPONENT, Math.max(-LARGEST_EXPONENT, Math.min(LARGEST_EXPONENT, exponent)));
        }
    }

    private double fraction(double length) {
        double clipped = klClipWithRate ? learningRate * learningRate * length : length;
        return klClip > 0 && clipped > klClip ? Math.sqrt(klClip / clipped) : 1;
    }

    @Override
    public final List<Integer> sides(int rows, int columns) {
        return List.of(RefreshTask.LEFT, RefreshTask.RIGHT);
    }

    @Override
    public final List<RefreshTask> due(LayerState state) {
        long k = state.counter(STEPS);
        if (k < 2 || (k - 1) % refreshInterval != 0) {
            return List.of();
        }
        return List.of(task(state, RefreshTask.LEFT), task(state, RefreshTask.RIGHT));
    }

    static void markRefreshed(LayerState state, int side) {
        state.setCounter(REFRESHED, state.counter(REFRESHED) | 1 << side);
    }

    static double sum(double[] terms) {
        double sum = 0;
        for (double term : terms) {
            sum += term;
        }
        return sum;
    }

    /** Scratch memory of a direction's shape. */
    final Matrix rotated(Matrix direction) {
        return rotated.computeIfAbsent(
                (long) direction.rows() << 32 | direction.columns(),
                shape -> Matrix.create(precision, direction.rows(), direction.columns()));
    }

    private Matrix direction(int layer, Matrix shape) {
        return directions.computeIfAbsent(
                new Place(layer, shape.rows(), shape.columns()),
                place -> Matrix.create(precision, place.rows, place.columns));
    }

    @Override
    public void close() {
        earlyRefresh.close();
        products.close();
        directions.values().forEach(Matrix::close);
        directions.clear();
        rotated.values().forEach(Matrix::close);
        rotated.clear();
    }

    /** On tiles of W, V and U: {@code v = mu v + nu u, w -= lr v}. */
    private record Advance(double momentum, double fraction, double rate) implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] w = tiles[0];
            float[] v = tiles[1];
            float[] u = tiles[2];
            float mu = (float) momentum;
            float nu = (float) fraction;
            float lr = (float) rate;
            for (int i = 0; i < length; i++) {
                float vi = mu * v[i] + nu * u[i];
                v[i] = vi;
                w[i] -= lr * vi;
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] w = tiles[0];
            double[] v = tiles[1];
            double[] u = tiles[2];
            for (int i = 0; i < length; i++) {
                v[i] = momentum * v[i] + fraction * u[i];
                w[i] -= rate * v[i];
            }
        }
    }
}
