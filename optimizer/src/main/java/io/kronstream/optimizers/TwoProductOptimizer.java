// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What deflation, Lanczos and the corrected K-FAC share: a Fisher matrix that is the sum of two Kronecker products, {@code A kron G
 * + P kron Q}, where the second is the nearest to what the first leaves of each mini-batch.
 *
 * <p>The step is that of {@link KroneckerOptimizer}; all four factors follow with {@code rho = min(1 - 1/k, alpha)}, and
 *
 * <pre>
 *   Ad = A + pi sqrt(lambda) I,                    Gd = G + sqrt(lambda) / pi I
 *   K1^T Ad K1 = I,  K1^T P K1 = diag(s1),         K2^T Gd K2 = I,  K2^T Q K2 = diag(s2)
 *   U = K2 [(K2^T grad K1) / max(1 + s2 s1^T, floor)] K1^T
 * </pre>
 *
 * <p>Departures: those of {@link KroneckerOptimizer}. P and Q are indefinite, so the sum may
 * be, of which the paper is silent: only the first product is damped, and the denominator kept above a floor; 1 would be
 * the first product alone, and is what a layer with a denominator of zero or less has everywhere if {@code indefinite} is
 * {@code first_product}. (P, Q) and (-P, -Q) are the same product, but not the same to a running mean: the first P has
 * a trace that is not negative, later ones the sign that agrees with the mean. The search for the second product
 * starts from the running Q.
 *
 * <p>G is {@code left}, A {@code right}, Q {@code leftSecond}, P {@code rightSecond}; K2 and K1 are {@code leftBasis} and
 * {@code rightBasis}, s2 and s1 {@code leftEigenvalues} and {@code rightEigenvalues}.
 *
 * <p>Reference: Koroko et al. 2022, arXiv 2201.10285, section 3; the floor and the rule of signs are ours.
 */
abstract class TwoProductOptimizer extends KroneckerOptimizer {
    static final Knob<Double> DENOMINATOR_FLOOR = Knob.epsilon(
            "denominator-floor", 0.1, "Least size of the sum, in units of its first product; large ones are cautious.");
    static final Knob<Indefinite> INDEFINITE = Knob.choice(
            "indefinite",
            Indefinite.FLOOR,
            "What a layer does whose sum is not positive definite; the first product alone forgets the second.");
    static final List<Knob<?>> KNOBS = Stream.concat(
                    COMMON_KNOBS.stream(),
                    Stream.<Knob<?>>of(KPSVD.TOLERANCE, KPSVD.ITERATIONS, DENOMINATOR_FLOOR, INDEFINITE))
            .toList();

    /** What a layer does whose sum is not positive definite. */
    enum Indefinite {
        /** It takes the sum as no smaller than the floor, direction by direction. */
        FLOOR,
        /** It takes the first product alone. */
        FIRST_PRODUCT
    }

    private static final String[] FIRST = {"left", "right"};
    private static final String[] SECOND = {"leftSecond", "rightSecond"};
    private static final String[] BASIS = {"leftBasis", "rightBasis"};
    private static final String[] EIGENVALUES = {"leftEigenvalues", "rightEigenvalues"};

    private final double floor;
    private final Precision precision;
    private final Indefinite indefinite;
    private final Map<Integer, Pair> lefts = new HashMap<>();
    private final Map<Integer, Pair> rights = new HashMap<>();

    /** A side's factors of one mini-batch. */
    record Pair(Matrix first, Matrix second) {
        private Pair(Precision precision, int n) {
            this(Matrix.create(precision, n, n), Matrix.create(precision, n, n));
        }

        private boolean isFinite() {
            return Double.isFinite(first.squaredNorm()) && Double.isFinite(second.squaredNorm());
        }

        private void close() {
            first.close();
            second.close();
        }
    }

    TwoProductOptimizer(OptimizerSettings settings, Precision precision) {
        super(settings, precision);
        this.floor = settings.get(DENOMINATOR_FLOOR);
        this.indefinite = settings.get(INDEFINITE);
        this.precision = precision;
    }

    /**
     * Both products of a mini-batch.
     *
     * @param left m x m each; on entry the running G and Q, from which a search may start; on return those of the mini-batch
     * @param right n x n each; on return A and P of the mini-batch
     */
    abstract void products(Matrix activations, Matrix gradients, Pair left, Pair right);

    @Override
    final List<TensorSpec> factors(int rows, int columns) {
        return List.of(
                TensorSpec.symmetric(FIRST[RefreshTask.LEFT], rows),
                TensorSpec.symmetric(FIRST[RefreshTask.RIGHT], columns),
                TensorSpec.symmetric(SECOND[RefreshTask.LEFT], rows),
                TensorSpec.symmetric(SECOND[RefreshTask.RIGHT], columns),
                TensorSpec.dense(BASIS[RefreshTask.LEFT], rows, rows),
                TensorSpec.dense(BASIS[RefreshTask.RIGHT], columns, columns),
                TensorSpec.dense(EIGENVALUES[RefreshTask.LEFT], rows, 1),
                TensorSpec.dense(EIGENVALUES[RefreshTask.RIGHT], columns, 1));
    }

    @Override
    final List<FactorNames> products() {
        return List.of(
                new FactorNames(FIRST[RefreshTask.LEFT], FIRST[RefreshTask.RIGHT]),
                new FactorNames(SECOND[RefreshTask.LEFT], SECOND[RefreshTask.RIGHT]));
    }

    @Override
    final void follow(Matrix activations, Matrix gradients, boolean first, double decay, long step, LayerState state) {
        Pair left = lefts.computeIfAbsent(gradients.columns(), n -> new Pair(precision, n));
        Pair right = rights.computeIfAbsent(activations.columns(), n -> new Pair(precision, n));
        left.first.copyFrom(state.tensor(FIRST[RefreshTask.LEFT]));
        left.second.copyFrom(state.tensor(SECOND[RefreshTask.LEFT]));
        products(activations, gradients, left, right);
        if (!left.isFinite() || !right.isFinite()) {
            return;
        }
        double rho = Math.min(1 - 1.0 / step, decay);
        double sign = sign(right.second, state.tensor(SECOND[RefreshTask.RIGHT]));
        follow(state, RefreshTask.LEFT, left, sign, rho);
        follow(state, RefreshTask.RIGHT, right, sign, rho);
    }

    private static void follow(LayerState state, int side, Pair batch, double sign, double rho) {
        state.tensor(FIRST[side]).combine(1 - rho, batch.first, rho);
        state.tensor(SECOND[side]).combine(sign * (1 - rho), batch.second, rho);
        state.markDirty(FIRST[side]);
        state.markDirty(SECOND[side]);
    }

    private static double sign(Matrix second, Matrix mean) {
        double agreement = mean.dot(second);
        if (mean.norm() == 0) {
            for (int i = 0; i < second.rows(); i++) {
                agreement += second.get(i, i);
            }
        }
        return agreement < 0 ? -1 : 1;
    }

    @Override
    final double precondition(LayerGradient gradient, Matrix direction, LayerState state) {
        Matrix leftBasis = state.tensor(BASIS[RefreshTask.LEFT]);
        Matrix rightBasis = state.tensor(BASIS[RefreshTask.RIGHT]);
        Matrix rotated = rotated(direction);
        products.between(leftBasis, gradient, rightBasis, rotated);
        double dot = divide(
                rotated, state.tensor(EIGENVALUES[RefreshTask.LEFT]), state.tensor(EIGENVALUES[RefreshTask.RIGHT]));
        products.around(1, leftBasis, rotated, rightBasis, direction, 0);
        return dot;
    }

    /** Returns the inner product of what it divides, transformed back, and the quotient. */
    private double divide(Matrix rotated, Matrix left, Matrix right) {
        int columns = rotated.columns();
        double[] values = new double[columns];
        double[] row = new double[columns];
        right.read(0, values, 0, columns);
        if (indefinite == Indefinite.FIRST_PRODUCT && least(left, values) <= 0) {
            return rotated.squaredNorm();
        }
        double[] dots = new double[columns];
        for (int i = 0; i < rotated.rows(); i++) {
            rotated.read(i * columns, row, 0, columns);
            divideRow(row, left.get(i, 0), values, dots);
            rotated.write(i * columns, row, 0, columns);
        }
        return sum(dots);
    }

    /** Adds each column's part of the inner product to its own sum, so that the loop vectorises. */
    private void divideRow(double[] row, double left, double[] right, double[] dots) {
        for (int j = 0; j < row.length; j++) {
            double quotient = row[j] / Math.max(1 + left * right[j], floor);
            dots[j] += row[j] * quotient;
            row[j] = quotient;
        }
    }

    /** The least {@code 1 + s2 s1}, for s2 and s1 in descending order: a product of extremes is the least product. */
    private static double least(Matrix left, double[] right) {
        double first = left.get(0, 0);
        double last = left.get(left.rows() - 1, 0);
        double least = Math.min(
                Math.min(first * right[0], first * right[right.length - 1]),
                Math.min(last * right[0], last * right[right.length - 1]));
        return 1 + least;
    }

    @Override
    public final boolean refreshesPairs() {
        return true;
    }

    @Override
    public final RefreshTask task(LayerState state, int side) {
        Matrix left = state.tensor(FIRST[RefreshTask.LEFT]);
        Matrix right = state.tensor(FIRST[RefreshTask.RIGHT]);
        double shift = Damping.shift(damping(state), left, right, side);
        return RefreshTask.pair(side, state.tensor(FIRST[side]), shift, state.tensor(SECOND[side]));
    }

    @Override
    public final void install(LayerState state, int side, Decomposition decomposition) {
        if (!decomposition.succeeded()) {
            return;
        }
        state.tensor(BASIS[side]).copyFrom(decomposition.matrix());
        Matrix eigenvalues = state.tensor(EIGENVALUES[side]);
        eigenvalues.write(0, decomposition.eigenvalues(), 0, eigenvalues.rows());
        state.markDirty(BASIS[side]);
        state.markDirty(EIGENVALUES[side]);
        markRefreshed(state, side);
    }

    @Override
    public void close() {
        lefts.values().forEach(Pair::close);
        rights.values().forEach(Pair::close);
        super.close();
    }
}
