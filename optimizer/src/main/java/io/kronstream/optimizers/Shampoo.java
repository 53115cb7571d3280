// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.GradientProducts;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Elementwise;
import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Divides the gradient from both sides by fourth roots of the second moments of its rows and columns: Adagrad or Adam
 * with a Kronecker product in the place of the diagonal.
 *
 * <p>Step k = 1, 2, ...:
 *
 * <pre>
 *   sum:  L = L + G G^T,  R = R + G^T G
 *   ema:  L = rho L + (1 - rho) G G^T,  R alike,  1 - rho = (1 - b) / (1 - b^k)
 *   M = b1 M + (1 - b1) G,   Mhat = M / (1 - b1^k)
 *   if k mod f = 0: (L + eps I)^-1/4 and (R + eps I)^-1/4 are refreshed
 *   P = (L + eps I)^-1/4 Mhat (R + eps I)^-1/4,   for a vector P = (L + eps I)^-1/2 Mhat
 *   grafting adam:  V = b2 V + (1 - b2) G^2,   D = Mhat / (sqrt(V / (1 - b2^k)) + eps'),   U = |D| / |P| P
 *   grafting none:  D = Mhat,   U = P
 *   W = (1 - lr wd) W - lr U
 * </pre>
 *
 * <p>Departures: the roots are refreshed after the step that makes them due and installed before a later one, as all
 * cubic work is; until then, and where P vanishes, U is D, so that nothing stands still. The factors of ema are kept
 * corrected for their start, which rho does, so that a root that is installed late needs no correction of its own.
 * Dimensions are not merged; long sides are cut into blocks as in {@link Blocked}. A gradient that would take a factor out of the range of a
 * float changes no factor.
 *
 * <p>L and R are {@code left} and {@code right}, their roots {@code leftRoot} and {@code rightRoot}, M is {@code
 * momentum}, V {@code secondMoment}; b is {@code factor-beta}; {@code refreshed} tells the sides that have a root.
 *
 * <p>Reference: Gupta, Koren and Singer 2018, arXiv 1802.09568, algorithm 1; averages, grafting and the shift of negative
 * eigenvalues as in Shi et al. 2023, arXiv 2309.06497, sections 2 and 3.
 */
final class Shampoo implements Optimizer {
    static final Knob<Accumulation> ACCUMULATION = Knob.choice(
                    "accumulation", Accumulation.EMA, "How the factors follow the gradients; a sum never forgets.")
            .structural();
    static final Knob<Grafting> GRAFTING = Knob.choice(
                    "grafting", Grafting.ADAM, "Whose step's length is taken; Adam's costs mn numbers of state.")
            .structural();
    static final Knob<Double> GRAFTING_EPSILON =
            Knob.epsilon("grafting-epsilon", 1e-8, "Added to the denominator of the grafted Adam.");

    static final List<Knob<?>> KNOBS = List.of(
            Knobs.LEARNING_RATE,
            Knobs.BETA1,
            Knobs.BETA2,
            EigenbasisOptimizer.FACTOR_BETA,
            Knobs.EPSILON.withDefault(1e-12),
            EigenbasisOptimizer.WEIGHT_DECAY,
            Knobs.REFRESH_INTERVAL,
            ACCUMULATION,
            GRAFTING,
            GRAFTING_EPSILON,
            Blocked.BLOCK_SIZE);

    /** How the factors follow the gradients. */
    enum Accumulation {
        /** A running mean, for streams that drift. */
        EMA,
        /** The sum since the start. */
        SUM
    }

    /** Whose step's length is taken. */
    enum Grafting {
        ADAM,
        NONE
    }

    private static final String STEPS = "steps";
    private static final String REFRESHED = "refreshed";
    private static final String MOMENTUM = "momentum";
    private static final String SECOND_MOMENT = "secondMoment";
    private static final String[] FACTOR = {"left", "right"};
    private static final String[] ROOT = {"leftRoot", "rightRoot"};

    /** Gradients that would take the trace of a factor beyond it are left out. */
    private static final double LARGEST_TRACE = 0.25 * Float.MAX_VALUE;

    /** Directions with a smaller norm have no direction that rounding left alone. */
    private static final double SMALLEST_DIRECTION = 1e-30;

    private final String name;
    private final double learningRate;
    private final double beta1;
    private final double beta2;
    private final double factorBeta;
    private final double epsilon;
    private final double weightDecay;
    private final int refreshInterval;
    private final Accumulation accumulation;
    private final Grafting grafting;
    private final double graftingEpsilon;
    private final Precision precision;
    private final GradientProducts products;
    private final Map<Long, Scratch> scratch = new HashMap<>();

    Shampoo(OptimizerSettings settings, Precision precision) {
        this.name = settings.name();
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.beta1 = settings.get(Knobs.BETA1);
        this.beta2 = settings.get(Knobs.BETA2);
        this.factorBeta = settings.get(EigenbasisOptimizer.FACTOR_BETA);
        this.epsilon = settings.get(Knobs.EPSILON);
        this.weightDecay = settings.get(EigenbasisOptimizer.WEIGHT_DECAY);
        this.refreshInterval = settings.get(Knobs.REFRESH_INTERVAL);
        this.accumulation = settings.get(ACCUMULATION);
        this.grafting = settings.get(GRAFTING);
        this.graftingEpsilon = settings.get(GRAFTING_EPSILON);
        this.precision = precision;
        this.products = new GradientProducts(precision);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Memory memory(int rows, int columns) {
        List<TensorSpec> tensors = new ArrayList<>();
        tensors.add(TensorSpec.dense(MOMENTUM, rows, columns));
        if (grafting == Grafting.ADAM) {
            tensors.add(TensorSpec.dense(SECOND_MOMENT, rows, columns));
        }
        for (int side : sides(rows, columns)) {
            int size = side == RefreshTask.LEFT ? rows : columns;
            tensors.add(TensorSpec.symmetric(FACTOR[side], size));
            tensors.add(TensorSpec.symmetric(ROOT[side], size));
        }
        return new Memory(tensors, List.of(STEPS, REFRESHED));
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        observe(gradient, state);
        advance(gradient.gradient(), parameters, state);
    }

    /** The first part of a step: counts it, and takes the factors through its gradient. */
    void observe(LayerGradient gradient, LayerState state) {
        long k = state.counter(STEPS) + 1;
        state.setCounter(STEPS, k);
        double added = 1;
        double kept = 1;
        if (accumulation == Accumulation.EMA) {
            added = (1 - factorBeta) / (1 - StrictMath.pow(factorBeta, k));
            kept = 1 - added;
        }
        Matrix left = state.tensor(FACTOR[RefreshTask.LEFT]);
        if (!(kept * trace(left) + added * gradient.squaredNorm() <= LARGEST_TRACE)) {
            return;
        }
        products.leftMoment(added, 1, gradient, null, left, kept);
        state.markDirty(FACTOR[RefreshTask.LEFT]);
        if (gradient.columns() > 1) {
            products.rightMoment(added, 1, gradient, null, state.tensor(FACTOR[RefreshTask.RIGHT]), kept);
            state.markDirty(FACTOR[RefreshTask.RIGHT]);
        }
    }

    private static double trace(Matrix matrix) {
        double trace = 0;
        for (int i = 0; i < matrix.rows(); i++) {
            trace += matrix.get(i, i);
        }
        return trace;
    }

    /** The second part: moves the moments and the parameters. */
    void advance(Matrix gradient, Matrix parameters, LayerState state) {
        Scratch own = scratch.computeIfAbsent(
                (long) gradient.rows() << 32 | gradient.columns(),
                shape -> new Scratch(precision, gradient.rows(), gradient.columns()));
        graft(gradient, own, state);
        double kept = 1 - learningRate * weightDecay;
        double length = precondition(own, state) ? own.preconditioned.norm() : 0;
        if (length >= SMALLEST_DIRECTION && Double.isFinite(length)) {
            double scale = grafting == Grafting.ADAM ? own.grafted.norm() / length : 1;
            parameters.combine(-learningRate * scale, own.preconditioned, kept);
        } else {
            parameters.combine(-learningRate, own.grafted, kept);
        }
    }

    /** Moves the moments, and sets Mhat and D. */
    private void graft(Matrix gradient, Scratch own, LayerState state) {
        long k = state.counter(STEPS);
        double correction = 1 / (1 - StrictMath.pow(beta1, k));
        Matrix momentum = state.tensor(MOMENTUM);
        state.markDirty(MOMENTUM);
        if (grafting == Grafting.NONE) {
            momentum.combine(1 - beta1, gradient, beta1);
            own.mean.copyFrom(momentum);
            own.mean.scale(correction);
            own.grafted.copyFrom(own.mean);
            return;
        }
        double rootScale = 1 / Math.sqrt(1 - StrictMath.pow(beta2, k));
        Elementwise.run(
                new AdamDirection(beta1, beta2, correction, rootScale, graftingEpsilon),
                4,
                momentum,
                state.tensor(SECOND_MOMENT),
                own.mean,
                own.grafted,
                gradient);
        state.markDirty(SECOND_MOMENT);
    }

    /** Sets P; false if a side has no root yet. */
    private boolean precondition(Scratch own, LayerState state) {
        boolean vector = own.mean.columns() == 1;
        if (state.counter(REFRESHED)
                != (vector ? 1 << RefreshTask.LEFT : 1 << RefreshTask.LEFT | 1 << RefreshTask.RIGHT)) {
            return false;
        }
        Matrix leftRoot = state.tensor(ROOT[RefreshTask.LEFT]);
        if (vector) {
            own.preconditioned.multiply(1, leftRoot, false, own.mean, false, 0);
        } else {
            products.around(1, leftRoot, own.mean, state.tensor(ROOT[RefreshTask.RIGHT]), own.preconditioned, 0);
        }
        return true;
    }

    @Override
    public List<Integer> sides(int rows, int columns) {
        return columns == 1 ? List.of(RefreshTask.LEFT) : List.of(RefreshTask.LEFT, RefreshTask.RIGHT);
    }

    @Override
    public RefreshTask task(LayerState state, int side) {
        double exponent = state.tensor(MOMENTUM).columns() == 1 ? -0.5 : -0.25;
        return RefreshTask.power(side, state.tensor(FACTOR[side]), epsilon, exponent);
    }

    @Override
    public List<RefreshTask> due(LayerState state) {
        if (state.counter(STEPS) % refreshInterval != 0) {
            return List.of();
        }
        Matrix momentum = state.tensor(MOMENTUM);
        return sides(momentum.rows(), momentum.columns()).stream()
                .map(side -> task(state, side))
                .toList();
    }

    @Override
    public void install(LayerState state, int side, Decomposition decomposition) {
        if (!decomposition.succeeded()) {
            return;
        }
        state.tensor(ROOT[side]).copyFrom(decomposition.matrix());
        state.markDirty(ROOT[side]);
        state.setCounter(REFRESHED, state.counter(REFRESHED) | 1 << side);
    }

    @Override
    public void close() {
        products.close();
        scratch.values().forEach(Scratch::close);
        scratch.clear();
    }

    private static final class Scratch {
        final Matrix mean;
        final Matrix grafted;
        final Matrix preconditioned;

        Scratch(Precision precision, int rows, int columns) {
            mean = Matrix.create(precision, rows, columns);
            grafted = Matrix.create(precision, rows, columns);
            preconditioned = Matrix.create(precision, rows, columns);
        }

        void close() {
            mean.close();
            grafted.close();
            preconditioned.close();
        }
    }

    /** On tiles of M, V, Mhat, D and G. */
    private record AdamDirection(double beta1, double beta2, double correction, double rootScale, double epsilon)
            implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] m = tiles[0];
            float[] v = tiles[1];
            float[] mean = tiles[2];
            float[] d = tiles[3];
            float[] g = tiles[4];
            float b1 = (float) beta1;
            float c1 = (float) (1 - beta1);
            float b2 = (float) beta2;
            float c2 = (float) (1 - beta2);
            float corrected = (float) correction;
            float scale = (float) rootScale;
            float eps = (float) epsilon;
            for (int i = 0; i < length; i++) {
                float mi = b1 * m[i] + c1 * g[i];
                float vi = b2 * v[i] + c2 * g[i] * g[i];
                float hat = corrected * mi;
                m[i] = mi;
                v[i] = vi;
                mean[i] = hat;
                d[i] = hat / ((float) Math.sqrt(vi) * scale + eps);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] m = tiles[0];
            double[] v = tiles[1];
            double[] mean = tiles[2];
            double[] d = tiles[3];
            double[] g = tiles[4];
            for (int i = 0; i < length; i++) {
                m[i] = beta1 * m[i] + (1 - beta1) * g[i];
                v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
                mean[i] = correction * m[i];
                d[i] = mean[i] / (Math.sqrt(v[i]) * rootScale + epsilon);
            }
        }
    }
}
