// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.NearestProduct;
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
 * Natural gradient with the Kronecker product that is nearest to each layer's block of the Fisher matrix, where K-FAC
 * takes the product of two second moments as if they were independent.
 *
 * <p>The step is that of {@link KroneckerOptimizer}; R and S follow, with {@code rho = min(1 - 1/k, alpha)}, the nearest
 * product of each mini-batch as {@link NearestProduct} finds it, and
 *
 * <pre>
 *   U = (S + sqrt(lambda) / pi I)^-1 grad (R + pi sqrt(lambda) I)^-1
 * </pre>
 *
 * <p>Departures: those of {@link KroneckerOptimizer} and {@link NearestProduct}; the iteration starts from the running S,
 * so that nothing else need be kept.
 *
 * <p>S is {@code left}, R is {@code right}.
 *
 * <p>Reference: Koroko et al. 2022, arXiv 2201.10285, sections 3.1 and 3.2.
 */
final class KPSVD extends KroneckerOptimizer {
    static final Knob<Double> TOLERANCE = Knob.epsilon(
            "tolerance", 1e-6, "Relative residual at which the power iteration stops; small ones cost iterations.");
    static final Knob<Integer> ITERATIONS =
            Knob.count("iterations", 1, 30, "Most iterations for a mini-batch; a few are the rule.");
    static final List<Knob<?>> KNOBS = Stream.concat(COMMON_KNOBS.stream(), Stream.<Knob<?>>of(TOLERANCE, ITERATIONS))
            .toList();

    private final Precision precision;
    private final NearestProduct nearest;
    private final Map<Integer, Matrix> lefts = new HashMap<>();
    private final Map<Integer, Matrix> rights = new HashMap<>();

    KPSVD(OptimizerSettings settings, Precision precision) {
        super(settings, precision);
        this.precision = precision;
        this.nearest = new NearestProduct(precision, settings.get(TOLERANCE), settings.get(ITERATIONS));
    }

    @Override
    List<TensorSpec> factors(int rows, int columns) {
        return DampedInverses.tensors(rows, columns);
    }

    @Override
    void follow(Matrix activations, Matrix gradients, boolean first, double decay, long step, LayerState state) {
        Matrix left = state.tensor(DampedInverses.FACTOR[RefreshTask.LEFT]);
        Matrix right = state.tensor(DampedInverses.FACTOR[RefreshTask.RIGHT]);
        Matrix newLeft = lefts.computeIfAbsent(left.rows(), n -> Matrix.create(precision, n, n));
        Matrix newRight = rights.computeIfAbsent(right.rows(), n -> Matrix.create(precision, n, n));
        newLeft.copyFrom(left);
        double size = nearest.find(activations, gradients, newLeft, newRight);
        if (!Double.isFinite(size)
                || !Double.isFinite(newLeft.squaredNorm())
                || !Double.isFinite(newRight.squaredNorm())) {
            return;
        }
        double rho = Math.min(1 - 1.0 / step, decay);
        left.combine(1 - rho, newLeft, rho);
        right.combine(1 - rho, newRight, rho);
        state.markDirty(DampedInverses.FACTOR[RefreshTask.LEFT]);
        state.markDirty(DampedInverses.FACTOR[RefreshTask.RIGHT]);
    }

    @Override
    double precondition(LayerGradient gradient, Matrix direction, LayerState state) {
        return DampedInverses.apply(products, gradient, direction, state);
    }

    @Override
    public RefreshTask task(LayerState state, int side) {
        return DampedInverses.task(state, side, damping(state));
    }

    @Override
    public void install(LayerState state, int side, Decomposition decomposition) {
        if (decomposition.succeeded()) {
            DampedInverses.install(state, side, decomposition.matrix());
            markRefreshed(state, side);
        }
    }

    @Override
    public void close() {
        nearest.close();
        lefts.values().forEach(Matrix::close);
        rights.values().forEach(Matrix::close);
        super.close();
    }
}
