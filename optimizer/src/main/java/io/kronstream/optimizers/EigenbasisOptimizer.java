// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.GradientProducts;
import io.kronstream.fisher.RefreshMethod;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.fisher.SingularBases;
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
 * What SOAP and DyKAF share: Adam in the eigenbases QL and QR of two factors L and R that follow the gradients.
 *
 * <p>The first gradient builds the factors and bases and leaves the parameters alone. Then, for k = 1, 2, ...:
 *
 * <pre>
 *   G' = QL^T G QR
 *   M' = b1 M' + (1 - b1) G'         V = b2 V + (1 - b2) G'^2
 *   W  = (1 - lr wd) (W - lr sqrt(1 - b2^k) / (1 - b1^k) QL (M' / (sqrt(V) + eps + er s)) QR^T)
 *   L and R follow G
 *   every f steps QL and QR are refreshed; M' is carried over, the rows and columns of V are permuted alike
 * </pre>
 *
 * <p>{@code normalised} divides the direction by the root mean square of its entries; without {@code bias-correction} the
 * rate is lr from the first step on. Both are the authors' options.
 *
 * <p>Where the examples of a mini-batch are fewer than a layer's units, most rotated elements are rounding errors of the
 * others, and their moments too. Adam would divide the one by the other and walk off in directions never seen. The
 * relative epsilon er keeps them still: {@code s^2 = b2 |V| + (1 - b2) |G'|^2}, with V of the step before, is at least
 * the largest element of V. With er = 0 the numbers are those of the references.
 *
 * <p>The first bases are the singular vectors of the first gradient: the eigenvectors of any factors that it starts, but
 * not hidden by the rounding of their squares.
 *
 * <p>The momentum is kept in the rotated basis and carried over when a basis is installed, which is equal in exact
 * arithmetic to keeping M and rotating it each time, and saves a rotation per step: 4mn(m + n) operations are left. A
 * first gradient of zero is skipped. A vector has M and V only and no rotation. A side longer than {@code max-side} has
 * neither factor nor basis: the rotation is that of the other side alone, whose factor is the decayed mean of {@code G
 * G^T} or {@code G^T G}, from zero.
 *
 * <p>M' is {@code momentum}, V {@code secondMoment}, L and R {@code left} and {@code right}, QL and QR {@code leftBasis}
 * and {@code rightBasis}; k is {@code calls - 1}.
 */
abstract class EigenbasisOptimizer implements Optimizer {
    static final Knob<Double> FACTOR_BETA =
            Knob.decay("factor-beta", 0.99, "Decay of the Kronecker factors; long memories give steadier bases.");
    static final Knob<Double> WEIGHT_DECAY =
            Knob.decay("weight-decay", 0, "Pull of the parameters towards zero, in units of the learning rate.");

    /**
     * A few hundred times the rounding of a single-precision gradient. On mini-batches of rank two in a 12 x 10 layer, 0.4%
     * of what is learned lies beside the seen directions; 4% with a tenth of it, and more than half with zero.
     */
    static final Knob<Double> RELATIVE_EPSILON = Knob.share(
            "relative-epsilon",
            1e-4,
            "Added to the denominator, in units of its largest; keeps directions that no example reaches still.");

    static final Knob<Integer> MAX_SIDE = Knob.count(
                    "max-side", 1, 10_000, "Longest side with a factor; longer ones are not rotated.")
            .structural();

    static final Knob<Boolean> BIAS_CORRECTION =
            Knob.flag("bias-correction", true, "Whether the first steps make up for moments that started from zero.");

    static final Knob<Boolean> NORMALISED = Knob.flag(
            "normalised", false, "Scales each layer's direction to entries of root mean square 1, whatever its size.");

    /**
     * Of both. The decays are those of the command line of DyKAF's authors, and 0.99 for the factors: on real streams
     * they forecast better than the 0.95 of their optimizer class.
     */
    static final List<Knob<?>> COMMON_KNOBS = List.of(
            Knobs.LEARNING_RATE.withDefault(3e-3),
            Knobs.BETA1,
            Knobs.BETA2,
            FACTOR_BETA,
            Knobs.EPSILON,
            RELATIVE_EPSILON,
            WEIGHT_DECAY,
            Knobs.REFRESH_INTERVAL,
            Knobs.REFRESH_METHOD,
            MAX_SIDE,
            BIAS_CORRECTION,
            NORMALISED);

    private static final String CALLS = "calls";
    private static final String MOMENTUM = "momentum";
    private static final String SECOND_MOMENT = "secondMoment";
    private static final String[] FACTOR = {"left", "right"};
    private static final String[] BASIS = {"leftBasis", "rightBasis"};

    /** First gradients with a smaller norm count as zero: their squares and factors would be denormal. */
    private static final double SMALLEST_GRADIENT = 1e-32;

    /** As the authors' code has it: a direction of zero stays zero. */
    private static final double SMALLEST_DIRECTION = 1e-30;

    private final String name;
    private final double learningRate;
    private final double beta1;
    private final double beta2;
    private final double epsilon;
    private final double relativeEpsilon;
    private final double weightDecay;
    private final double factorBeta;
    private final int maxSide;
    private final boolean biasCorrection;
    private final boolean normalised;
    private final int refreshInterval;
    private final RefreshMethod refreshMethod;
    private final Precision precision;

    /** Products with the gradient. */
    final GradientProducts products;

    private final Map<Long, Scratch> scratch = new HashMap<>();

    EigenbasisOptimizer(OptimizerSettings settings, Precision precision) {
        this.name = settings.name();
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.beta1 = settings.get(Knobs.BETA1);
        this.beta2 = settings.get(Knobs.BETA2);
        this.epsilon = settings.get(Knobs.EPSILON);
        this.relativeEpsilon = settings.get(RELATIVE_EPSILON);
        this.weightDecay = settings.get(WEIGHT_DECAY);
        this.refreshInterval = settings.get(Knobs.REFRESH_INTERVAL);
        this.refreshMethod = settings.get(Knobs.REFRESH_METHOD);
        this.factorBeta = settings.get(FACTOR_BETA);
        this.maxSide = settings.get(MAX_SIDE);
        this.biasCorrection = settings.get(BIAS_CORRECTION);
        this.normalised = settings.get(NORMALISED);
        this.precision = precision;
        this.products = new GradientProducts(precision);
    }

    /** Sets the factors, zero so far, to what the first gradient is then added to. */
    abstract void startFactors(LayerGradient gradient, Matrix left, Matrix right);

    /** Takes the factors through one gradient; they stay exactly symmetric. */
    abstract void follow(LayerGradient gradient, Matrix left, Matrix right);

    /** Tensors of the second moment of a matrix. */
    List<TensorSpec> secondMoment(int rows, int columns) {
        return List.of(TensorSpec.dense(SECOND_MOMENT, rows, columns));
    }

    /** Sets the second moment of a matrix, zero so far, to what it starts from. */
    void startSecondMoment(LayerState state) {}

    /**
     * Updates both moments of a matrix with its rotated gradient, and replaces that by {@code M'} over the denominator.
     *
     * @param squaredNorm of the gradient, which rotating does not change
     */
    void divideByRoot(Matrix rotated, double squaredNorm, Matrix momentum, LayerState state) {
        double scale = 0;
        if (relativeEpsilon > 0) {
            scale = Math.sqrt(beta2 * state.tensor(SECOND_MOMENT).norm() + (1 - beta2) * squaredNorm);
        }
        divideByFullRoot(rotated, momentum, state, epsilon(scale));
    }

    /** What is added to the roots of a matrix whose second moments have a root of this size. */
    final double epsilon(double scale) {
        return relativeEpsilon > 0 ? epsilon + relativeEpsilon * scale : epsilon;
    }

    /**
     * Column j of a side's basis takes the place of column {@code permutation[j]}.
     *
     * @param spare memory of the layer's shape
     */
    void permuteSecondMoment(LayerState state, int side, int[] permutation, Matrix spare) {
        Matrix moment = state.tensor(SECOND_MOMENT);
        spare.copyFrom(moment);
        if (side == RefreshTask.LEFT) {
            permuteRows(spare, permutation, moment);
        } else {
            permuteColumns(spare, permutation, moment);
        }
        state.markDirty(SECOND_MOMENT);
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final Memory memory(int rows, int columns) {
        List<TensorSpec> tensors = new ArrayList<>();
        tensors.add(TensorSpec.dense(MOMENTUM, rows, columns));
        List<Integer> factors = factorSides(rows, columns);
        tensors.addAll(
                factors.isEmpty()
                        ? List.of(TensorSpec.dense(SECOND_MOMENT, rows, columns))
                        : secondMoment(rows, columns));
        factors.forEach(side -> tensors.add(TensorSpec.symmetric(FACTOR[side], sideLength(rows, columns, side))));
        factors.forEach(side -> {
            int size = sideLength(rows, columns, side);
            tensors.add(TensorSpec.dense(BASIS[side], size, size));
        });
        return new Memory(tensors, List.of(CALLS));
    }

    /** The sides that have a factor. */
    private List<Integer> factorSides(int rows, int columns) {
        List<Integer> sides = new ArrayList<>();
        for (int side = RefreshTask.LEFT; side <= RefreshTask.RIGHT; side++) {
            if (columns > 1 && sideLength(rows, columns, side) <= maxSide) {
                sides.add(side);
            }
        }
        return sides;
    }

    @Override
    public final void step(LayerGradient layer, Matrix parameters, LayerState state) {
        long calls = state.counter(CALLS);
        if (calls == 0) {
            if (start(layer, state)) {
                state.setCounter(CALLS, 1);
            }
            return;
        }
        state.setCounter(CALLS, calls + 1);
        double correction = Math.sqrt(1 - StrictMath.pow(beta2, calls)) / (1 - StrictMath.pow(beta1, calls));
        double rate = biasCorrection ? learningRate * correction : learningRate;
        double kept = 1 - learningRate * weightDecay;
        Matrix momentum = state.tensor(MOMENTUM);
        Scratch own = scratch(parameters.rows(), parameters.columns());
        List<Integer> factors = factorSides(parameters.rows(), parameters.columns());
        if (factors.isEmpty()) {
            own.rotated.copyFrom(layer.gradient());
            divideByFullRoot(own.rotated, momentum, state, epsilon);
            parameters.combine(-rate * kept * scale(own.rotated), own.rotated, kept);
        } else if (factors.size() == 1) {
            int side = factors.get(0);
            Matrix basis = state.tensor(BASIS[side]);
            rotate(layer.gradient(), side, basis, true, own.rotated);
            divideByRoot(own.rotated, layer.squaredNorm(), momentum, state);
            rotate(own.rotated, side, basis, false, own.product);
            parameters.combine(-rate * kept * scale(own.rotated), own.product, kept);
            follow(layer, state);
        } else {
            Matrix leftBasis = state.tensor(BASIS[RefreshTask.LEFT]);
            Matrix rightBasis = state.tensor(BASIS[RefreshTask.RIGHT]);
            products.between(leftBasis, layer, rightBasis, own.rotated);
            divideByRoot(own.rotated, layer.squaredNorm(), momentum, state);
            products.around(-rate * kept * scale(own.rotated), leftBasis, own.rotated, rightBasis, parameters, kept);
            follow(layer, state);
        }
        state.markDirty(MOMENTUM);
    }

    /** Of a direction, whose norm rotating does not change. */
    private double scale(Matrix direction) {
        if (!normalised) {
            return 1;
        }
        double size = (double) direction.rows() * direction.columns();
        return 1 / (SMALLEST_DIRECTION + direction.norm() / Math.sqrt(size));
    }

    /** Into the basis of one side, or back. */
    private static void rotate(Matrix matrix, int side, Matrix basis, boolean into, Matrix result) {
        if (side == RefreshTask.LEFT) {
            result.multiply(1, basis, into, matrix, false, 0);
        } else {
            result.multiply(1, matrix, false, basis, !into, 0);
        }
    }

    private void follow(LayerGradient layer, LayerState state) {
        List<Integer> factors = factorSides(layer.rows(), layer.columns());
        if (factors.size() == 1) {
            int side = factors.get(0);
            state.tensor(FACTOR[side]).addGram(1 - factorBeta, layer.gradient(), side == RefreshTask.RIGHT, factorBeta);
        } else {
            follow(layer, state.tensor(FACTOR[RefreshTask.LEFT]), state.tensor(FACTOR[RefreshTask.RIGHT]));
        }
        factors.forEach(side -> state.markDirty(FACTOR[side]));
    }

    /** Builds factors and bases from the first gradient; false, and no state, if it holds nothing to build from. */
    private boolean start(LayerGradient gradient, LayerState state) {
        if (gradient.norm() < SMALLEST_GRADIENT) {
            return false;
        }
        List<Integer> factors = factorSides(gradient.rows(), gradient.columns());
        if (factors.isEmpty()) {
            return true;
        }
        if (factors.size() == 2) {
            startFactors(gradient, state.tensor(FACTOR[RefreshTask.LEFT]), state.tensor(FACTOR[RefreshTask.RIGHT]));
        }
        follow(gradient, state);
        if (!SingularBases.compute(
                gradient.gradient(),
                basis(state, factors, RefreshTask.LEFT),
                basis(state, factors, RefreshTask.RIGHT))) {
            factors.forEach(side -> state.tensor(FACTOR[side]).fill(0));
            return false;
        }
        factors.forEach(side -> state.markDirty(BASIS[side]));
        startSecondMoment(state);
        return true;
    }

    private static Matrix basis(LayerState state, List<Integer> factors, int side) {
        return factors.contains(side) ? state.tensor(BASIS[side]) : null;
    }

    private void divideByFullRoot(Matrix rotated, Matrix momentum, LayerState state, double added) {
        Elementwise.run(new RotatedAdam(beta1, beta2, added), 3, momentum, state.tensor(SECOND_MOMENT), rotated);
        state.markDirty(SECOND_MOMENT);
    }

    @Override
    public final List<Integer> sides(int rows, int columns) {
        List<Integer> sides = factorSides(rows, columns);
        if (rows == 1) {
            // A number has one eigenvector.
            sides.remove((Integer) RefreshTask.LEFT);
        }
        return sides;
    }

    @Override
    public final RefreshTask task(LayerState state, int side) {
        return RefreshTask.basis(side, refreshMethod, state.tensor(FACTOR[side]), state.tensor(BASIS[side]));
    }

    @Override
    public final List<RefreshTask> due(LayerState state) {
        long k = state.counter(CALLS) - 1;
        if (k < 1 || k % refreshInterval != 0) {
            return List.of();
        }
        Matrix momentum = state.tensor(MOMENTUM);
        return sides(momentum.rows(), momentum.columns()).stream()
                .map(side -> task(state, side))
                .toList();
    }

    @Override
    public final void install(LayerState state, int side, Decomposition decomposition) {
        if (!decomposition.succeeded()) {
            return;
        }
        Matrix basis = state.tensor(BASIS[side]);
        Matrix momentum = state.tensor(MOMENTUM);
        Scratch own = scratch(momentum.rows(), momentum.columns());
        carryOver(momentum, side, basis, decomposition.matrix(), own);
        if (!isIdentity(decomposition.permutation())) {
            permuteSecondMoment(state, side, decomposition.permutation(), own.product);
        }
        basis.copyFrom(decomposition.matrix());
        state.markDirty(MOMENTUM);
        state.markDirty(BASIS[side]);
    }

    /** Takes the momentum from one basis of a side to another, in the order that needs fewer operations. */
    private static void carryOver(Matrix momentum, int side, Matrix from, Matrix to, Scratch own) {
        boolean left = side == RefreshTask.LEFT;
        int other = left ? momentum.columns() : momentum.rows();
        if (from.rows() > other) {
            if (left) {
                own.product.multiply(1, from, false, momentum, false, 0);
                momentum.multiply(1, to, true, own.product, false, 0);
            } else {
                own.product.multiply(1, momentum, false, from, true, 0);
                momentum.multiply(1, own.product, false, to, false, 0);
            }
            return;
        }
        Matrix overlap = own.overlap(side);
        overlap.multiply(1, to, true, from, false, 0);
        if (left) {
            own.product.multiply(1, overlap, false, momentum, false, 0);
        } else {
            own.product.multiply(1, momentum, false, overlap, true, 0);
        }
        momentum.copyFrom(own.product);
    }

    private static boolean isIdentity(int[] permutation) {
        for (int i = 0; i < permutation.length; i++) {
            if (permutation[i] != i) {
                return false;
            }
        }
        return true;
    }

    private static void permuteRows(Matrix from, int[] permutation, Matrix to) {
        int n = from.columns();
        double[] row = new double[n];
        for (int i = 0; i < permutation.length; i++) {
            from.read(permutation[i] * n, row, 0, n);
            to.write(i * n, row, 0, n);
        }
    }

    private static void permuteColumns(Matrix from, int[] permutation, Matrix to) {
        int n = from.columns();
        double[] row = new double[n];
        double[] permuted = new double[n];
        for (int i = 0; i < from.rows(); i++) {
            from.read(i * n, row, 0, n);
            for (int j = 0; j < n; j++) {
                permuted[j] = row[permutation[j]];
            }
            to.write(i * n, permuted, 0, n);
        }
    }

    private Scratch scratch(int rows, int columns) {
        return scratch.computeIfAbsent((long) rows << 32 | columns, key -> new Scratch(precision, rows, columns));
    }

    @Override
    public void close() {
        products.close();
        scratch.values().forEach(Scratch::close);
        scratch.clear();
    }

    private static final class Scratch {
        final Matrix rotated;
        final Matrix product;
        private final Matrix[] overlaps = new Matrix[2];

        Scratch(Precision precision, int rows, int columns) {
            rotated = Matrix.create(precision, rows, columns);
            product = Matrix.create(precision, rows, columns);
        }

        Matrix overlap(int side) {
            if (overlaps[side] == null) {
                int size = side == RefreshTask.LEFT ? rotated.rows() : rotated.columns();
                overlaps[side] = Matrix.create(rotated.precision(), size, size);
            }
            return overlaps[side];
        }

        void close() {
            rotated.close();
            product.close();
            for (Matrix overlap : overlaps) {
                if (overlap != null) {
                    overlap.close();
                }
            }
        }
    }

    /**
     * Adam in a rotated basis, on tiles of momentum m, second moment v and gradient g: {@code m = b1 m + (1 - b1) g, v = b2 v
     * + (1 - b2) g^2}, and g becomes {@code m / (sqrt(v) + eps)}. The bias correction is in the caller's step size, so eps
     * is relative to the uncorrected root.
     */
    private record RotatedAdam(double beta1, double beta2, double epsilon) implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] m = tiles[0];
            float[] v = tiles[1];
            float[] g = tiles[2];
            float b1 = (float) beta1;
            float c1 = (float) (1 - beta1);
            float b2 = (float) beta2;
            float c2 = (float) (1 - beta2);
            float eps = (float) epsilon;
            for (int i = 0; i < length; i++) {
                float gi = g[i];
                float mi = b1 * m[i] + c1 * gi;
                float vi = b2 * v[i] + c2 * gi * gi;
                m[i] = mi;
                v[i] = vi;
                g[i] = mi / ((float) Math.sqrt(vi) + eps);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] m = tiles[0];
            double[] v = tiles[1];
            double[] g = tiles[2];
            for (int i = 0; i < length; i++) {
                m[i] = beta1 * m[i] + (1 - beta1) * g[i];
                v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
                g[i] = m[i] / (Math.sqrt(v[i]) + epsilon);
            }
        }
    }
}
