// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
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
 * <p>V is {@code velocity}, k is {@code steps}; {@code refreshed} tells the sides that have been refreshed: before that, U
 * is the gradient.
 */
abstract class KroneckerOptimizer implements Optimizer {
    static final Knob<Double> MOMENTUM = Knob.decay("momentum", 0.9, "Decay of the velocity; 0 for none.");
    static final Knob<Double> DAMPING =
            Knob.positive("damping", 0.03, "Added to the Fisher matrix; large ones lead back to gradient descent.");
    static final Knob<Fisher> FISHER = Knob.choice(
            "fisher",
            Fisher.SAMPLED,
            "Targets of the statistics; sampled ones are right far from the optimum too, and cost a backward pass.");
    static final Knob<Double> FACTOR_DECAY =
            Knob.decay("factor-decay", 0.95, "Largest decay of the factors; at step k it is at most 1 - 1/k.");
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
            FISHER,
            FACTOR_DECAY,
            STATISTICS_INTERVAL,
            Knobs.REFRESH_INTERVAL,
            EARLY_REFRESHES,
            KL_CLIP,
            KL_CLIP_WITH_RATE);

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
    private static final int BOTH_SIDES = 3;

    /** Statistics with larger sums of squares are left out. */
    private static final double LARGEST_SQUARE = 0.25 * Float.MAX_VALUE;

    private final String name;
    private final double learningRate;
    private final double momentum;
    private final Fisher fisher;
    private final double factorDecay;
    private final int statisticsInterval;
    private final int refreshInterval;
    private final int earlyRefreshes;
    private final double klClip;
    private final boolean klClipWithRate;
    private final Precision precision;
    private final EigenRefresh earlyRefresh;
    private final Map<Place, Scratch> scratch = new HashMap<>();

    /** Layers of one shape in one model need a direction each. */
    private record Place(int layer, int rows, int columns) {}

    KroneckerOptimizer(OptimizerSettings settings, Precision precision) {
        this.name = settings.name();
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.momentum = settings.get(MOMENTUM);
        this.fisher = settings.get(FISHER);
        this.factorDecay = settings.get(FACTOR_DECAY);
        this.statisticsInterval = settings.get(STATISTICS_INTERVAL);
        this.refreshInterval = settings.get(Knobs.REFRESH_INTERVAL);
        this.earlyRefreshes = settings.get(EARLY_REFRESHES);
        this.klClip = settings.get(KL_CLIP);
        this.klClipWithRate = settings.get(KL_CLIP_WITH_RATE);
        this.precision = precision;
        this.earlyRefresh = new EigenRefresh(precision);
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

    /** Sets {@code direction = Fhat^-1 gradient}; the product is scratch memory of the same shape. */
    abstract void precondition(Matrix gradient, Matrix direction, Matrix product, LayerState state);

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final Memory memory(int rows, int columns) {
        List<TensorSpec> tensors = new ArrayList<>();
        tensors.add(TensorSpec.dense(VELOCITY, rows, columns));
        tensors.addAll(factors(rows, columns));
        return new Memory(tensors, List.of(STEPS, REFRESHED));
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
            follow(activations, derivatives, k == 1, factorDecay, k, state);
        }
    }

    /** The second part: moves the parameters of all layers by one common fraction of their directions. */
    final void advance(List<LayerGradient> gradients, List<Matrix> parameters, List<LayerState> layers) {
        double length = 0;
        for (int layer = 0; layer < layers.size(); layer++) {
            Matrix gradient = gradients.get(layer).gradient();
            LayerState state = layers.get(layer);
            Scratch own = scratch(layer, gradient);
            if (state.counter(REFRESHED) == BOTH_SIDES) {
                precondition(gradient, own.direction, own.product, state);
            } else {
                own.direction.copyFrom(gradient);
            }
            length += Math.abs(own.direction.dot(gradient));
        }
        if (!Double.isFinite(length)) {
            return;
        }
        double fraction = fraction(length);
        for (int layer = 0; layer < layers.size(); layer++) {
            LayerState state = layers.get(layer);
            Matrix velocity = state.tensor(VELOCITY);
            velocity.combine(fraction, scratch(layer, velocity).direction, momentum);
            parameters.get(layer).combine(-learningRate, velocity, 1);
            state.markDirty(VELOCITY);
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

    private Scratch scratch(int layer, Matrix shape) {
        return scratch.computeIfAbsent(
                new Place(layer, shape.rows(), shape.columns()),
                place -> new Scratch(precision, place.rows, place.columns));
    }

    @Override
    public void close() {
        earlyRefresh.close();
        scratch.values().forEach(Scratch::close);
        scratch.clear();
    }

    private static final class Scratch {
        final Matrix direction;
        final Matrix product;

        Scratch(Precision precision, int rows, int columns) {
            direction = Matrix.create(precision, rows, columns);
            product = Matrix.create(precision, rows, columns);
        }

        void close() {
            direction.close();
            product.close();
        }
    }
}
