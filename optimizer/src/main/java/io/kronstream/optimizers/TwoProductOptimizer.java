// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.NearestProduct;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What deflation and the corrected K-FAC share: a Fisher matrix that is the sum of two Kronecker products, {@code A kron G
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
 * <p>Departures: those of {@link KroneckerOptimizer} and {@link NearestProduct}. P and Q are indefinite, so the sum may
 * be, of which the paper is silent: only the first product is damped, and the denominator kept above a floor; 1 would be
 * the first product alone. (P, Q) and (-P, -Q) are the same product, but not the same to a running mean: the first P has
 * a trace that is not negative, later ones the sign that agrees with the mean. The iteration for the second product
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
    static final List<Knob<?>> KNOBS = Stream.concat(
                    COMMON_KNOBS.stream(), Stream.<Knob<?>>of(KPSVD.TOLERANCE, KPSVD.ITERATIONS, DENOMINATOR_FLOOR))
            .toList();

    private static final String[] FIRST = {"left", "right"};
    private static final String[] SECOND = {"leftSecond", "rightSecond"};
    private static final String[] BASIS = {"leftBasis", "rightBasis"};
    private static final String[] EIGENVALUES = {"leftEigenvalues", "rightEigenvalues"};

    private final double damping;
    private final double floor;
    private final Precision precision;
    private final NearestProduct nearest;
    private final Map<Integer, Pair> lefts = new HashMap<>();
    private final Map<Integer, Pair> rights = new HashMap<>();

    /** A side's factors of one mini-batch. */
    private record Pair(Matrix first, Matrix second) {
        Pair(Precision precision, int n) {
            this(Matrix.create(precision, n, n), Matrix.create(precision, n, n));
        }

        boolean isFinite() {
            return Double.isFinite(first.squaredNorm()) && Double.isFinite(second.squaredNorm());
        }

        void close() {
            first.close();
            second.close();
        }
    }

    TwoProductOptimizer(OptimizerSettings settings, Precision precision) {
        super(settings, precision);
        this.damping = settings.get(DAMPING);
        this.floor = settings.get(DENOMINATOR_FLOOR);
        this.precision = precision;
        this.nearest = new NearestProduct(precision, settings.get(KPSVD.TOLERANCE), settings.get(KPSVD.ITERATIONS));
    }

    /**
     * The first product of a mini-batch.
     *
     * @param left m x m; on entry the running G; on return that of the mini-batch
     * @param right n x n; on return A of the mini-batch
     */
    abstract void firstProduct(NearestProduct nearest, Matrix activations, Matrix gradients, Matrix left, Matrix right);

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
    final void follow(Matrix activations, Matrix gradients, boolean first, double decay, long step, LayerState state) {
        Pair left = lefts.computeIfAbsent(gradients.columns(), n -> new Pair(precision, n));
        Pair right = rights.computeIfAbsent(activations.columns(), n -> new Pair(precision, n));
        left.first.copyFrom(state.tensor(FIRST[RefreshTask.LEFT]));
        firstProduct(nearest, activations, gradients, left.first, right.first);
        left.second.copyFrom(state.tensor(SECOND[RefreshTask.LEFT]));
        nearest.findBeside(activations, gradients, left.first, right.first, left.second, right.second);
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
    final void precondition(Matrix gradient, Matrix direction, Matrix product, LayerState state) {
        Matrix leftBasis = state.tensor(BASIS[RefreshTask.LEFT]);
        Matrix rightBasis = state.tensor(BASIS[RefreshTask.RIGHT]);
        product.multiply(1, gradient, false, rightBasis, false, 0);
        direction.multiply(1, leftBasis, true, product, false, 0);
        divide(direction, state.tensor(EIGENVALUES[RefreshTask.LEFT]), state.tensor(EIGENVALUES[RefreshTask.RIGHT]));
        product.multiply(1, leftBasis, false, direction, false, 0);
        direction.multiply(1, product, false, rightBasis, true, 0);
    }

    private void divide(Matrix rotated, Matrix left, Matrix right) {
        int columns = rotated.columns();
        double[] values = new double[columns];
        double[] row = new double[columns];
        right.read(0, values, 0, columns);
        for (int i = 0; i < rotated.rows(); i++) {
            double value = left.get(i, 0);
            rotated.read(i * columns, row, 0, columns);
            for (int j = 0; j < columns; j++) {
                row[j] /= Math.max(1 + value * values[j], floor);
            }
            rotated.write(i * columns, row, 0, columns);
        }
    }

    @Override
    public final boolean refreshesPairs() {
        return true;
    }

    @Override
    public final RefreshTask task(LayerState state, int side) {
        Matrix left = state.tensor(FIRST[RefreshTask.LEFT]);
        Matrix right = state.tensor(FIRST[RefreshTask.RIGHT]);
        double shift = Damping.shift(damping, left, right, side);
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
    public final void close() {
        nearest.close();
        lefts.values().forEach(Pair::close);
        rights.values().forEach(Pair::close);
        super.close();
    }
}
