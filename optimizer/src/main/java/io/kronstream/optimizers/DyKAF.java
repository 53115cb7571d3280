// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.ProjectorSplitting;
import io.kronstream.fisher.RefreshMethod;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Elementwise;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Adam in the eigenbasis of a Kronecker product that follows the empirical Fisher matrix by projector splitting.
 *
 * <p>The first gradient builds L and R and their eigenbases QL and QR and leaves the parameters alone. Then, for k = 1,
 * 2, ...:
 *
 * <pre>
 *   G' = QL^T G QR
 *   M' = b1 M' + (1 - b1) G'         V = b2 V + (1 - b2) G'^2
 *   W  = (1 - lr wd) (W - lr sqrt(1 - b2^k) / (1 - b1^k) QL (M' / (sqrt(V) + eps)) QR^T)
 *   L, R follow G with decay bf: see {@link ProjectorSplitting}
 *   every f steps QL and QR are refreshed; M' is carried over, the rows and columns of V are permuted alike
 * </pre>
 *
 * <p>With the rank-one second moment, V is an outer product {@code l r^T} that follows {@code G'^2} by the parallel
 * splitting, and the denominator is {@code sqrt(l r^T + eps^2)}.
 *
 * <p>Departures: the momentum is kept in the rotated basis and carried over when a basis is installed, which is equal in
 * exact arithmetic and saves a rotation per step; the authors keep M and rotate it each time. Their rank-one denominator
 * has no eps. The start is relative to the first gradient unless told otherwise; the {@code KRON} start has the leading
 * singular value on both sides (theirs has its root, which depends on the gradient's scale) and a ridge of 1e-6, which
 * makes all eigenvalues positive; the basis of the directions that only the ridge fills is LAPACK's, the same in every
 * run. The default splitting is sequential. A first gradient of zero is skipped.
 *
 * <p>M' is {@code momentum}, V {@code secondMoment}, l and r {@code leftMoment} and {@code rightMoment}, L and R
 * {@code left} and {@code right}, QL and QR {@code leftBasis} and {@code rightBasis}; k is {@code calls - 1}. A vector
 * has M and V only and no rotation.
 *
 * <p>Reference: DyKAF, arXiv 2511.06477, and its authors' {@code dykaf.py}; the rotated Adam is SOAP's (Vyas et al. 2024,
 * arXiv 2409.11321, algorithm 3).
 */
final class DyKAF implements Optimizer {
    private static final String CALLS = "calls";
    private static final String MOMENTUM = "momentum";
    private static final String SECOND_MOMENT = "secondMoment";
    private static final String LEFT_MOMENT = "leftMoment";
    private static final String RIGHT_MOMENT = "rightMoment";
    private static final String[] FACTOR = {"left", "right"};
    private static final String[] BASIS = {"leftBasis", "rightBasis"};

    private static final double START = 1e-3;
    private static final double KRON_RIDGE = 1e-6;
    private static final int POWER_ITERATIONS = 100;

    private final OptimizerSettings settings;
    private final Precision precision;
    private final ProjectorSplitting splitting;
    private final EigenRefresh firstRefresh;
    private final Map<Long, Scratch> scratch = new HashMap<>();

    DyKAF(OptimizerSettings settings, Precision precision) {
        this.settings = settings;
        this.precision = precision;
        this.splitting = switch (settings.integrator()) {
            case SEQUENTIAL -> ProjectorSplitting.sequential(precision);
            case PARALLEL -> ProjectorSplitting.parallel(precision);
            case SEQUENTIAL_OLD_LEFT -> ProjectorSplitting.sequentialOldLeft(precision);
        };
        this.firstRefresh = new EigenRefresh(precision);
    }

    @Override
    public String name() {
        return settings.name();
    }

    @Override
    public Memory memory(int rows, int columns) {
        List<TensorSpec> tensors = new ArrayList<>();
        tensors.add(TensorSpec.dense(MOMENTUM, rows, columns));
        if (rankOne(columns)) {
            tensors.add(TensorSpec.dense(LEFT_MOMENT, rows, 1));
            tensors.add(TensorSpec.dense(RIGHT_MOMENT, columns, 1));
        } else {
            tensors.add(TensorSpec.dense(SECOND_MOMENT, rows, columns));
        }
        if (columns > 1) {
            tensors.add(TensorSpec.symmetric(FACTOR[RefreshTask.LEFT], rows));
            tensors.add(TensorSpec.symmetric(FACTOR[RefreshTask.RIGHT], columns));
            tensors.add(TensorSpec.dense(BASIS[RefreshTask.LEFT], rows, rows));
            tensors.add(TensorSpec.dense(BASIS[RefreshTask.RIGHT], columns, columns));
        }
        return new Memory(tensors, List.of(CALLS));
    }

    private boolean rankOne(int columns) {
        return settings.rankOneSecondMoment() && columns > 1;
    }

    @Override
    public void step(LayerGradient layer, Matrix parameters, LayerState state) {
        Matrix gradient = layer.gradient();
        long calls = state.counter(CALLS);
        if (calls == 0) {
            if (start(gradient, state)) {
                state.setCounter(CALLS, 1);
            }
            return;
        }
        state.setCounter(CALLS, calls + 1);
        double rate = settings.learningRate()
                * Math.sqrt(1 - StrictMath.pow(settings.beta2(), calls))
                / (1 - StrictMath.pow(settings.beta1(), calls));
        double kept = 1 - settings.learningRate() * settings.weightDecay();
        Scratch own = scratch(gradient.rows(), gradient.columns());
        if (gradient.columns() == 1) {
            own.rotated.copyFrom(gradient);
            divideByRoot(own, state);
            parameters.combine(-rate * kept, own.rotated, kept);
            return;
        }
        Matrix leftBasis = state.tensor(BASIS[RefreshTask.LEFT]);
        Matrix rightBasis = state.tensor(BASIS[RefreshTask.RIGHT]);
        own.product.multiply(1, gradient, false, rightBasis, false, 0);
        own.rotated.multiply(1, leftBasis, true, own.product, false, 0);
        divideByRoot(own, state);
        own.product.multiply(1, leftBasis, false, own.rotated, false, 0);
        parameters.multiply(-rate * kept, own.product, false, rightBasis, true, kept);

        follow(gradient, state);
    }

    private void follow(Matrix gradient, LayerState state) {
        splitting.follow(
                state.tensor(FACTOR[RefreshTask.LEFT]),
                state.tensor(FACTOR[RefreshTask.RIGHT]),
                gradient,
                settings.factorBeta());
        state.markDirty(FACTOR[RefreshTask.LEFT]);
        state.markDirty(FACTOR[RefreshTask.RIGHT]);
    }

    /** Builds factors and bases from the first gradient; false, and no state, if it holds nothing to build from. */
    private boolean start(Matrix gradient, LayerState state) {
        double size = gradient.norm();
        if (size < ProjectorSplitting.SMALLEST_GRADIENT) {
            return false;
        }
        if (gradient.columns() == 1) {
            return true;
        }
        Matrix left = state.tensor(FACTOR[RefreshTask.LEFT]);
        Matrix right = state.tensor(FACTOR[RefreshTask.RIGHT]);
        switch (settings.start()) {
            case RELATIVE_EPSILON -> {
                left.setIdentity(START * size / Math.sqrt(left.rows()));
                right.setIdentity(START * size / Math.sqrt(right.rows()));
            }
            case ABSOLUTE_EPSILON -> {
                left.setIdentity(START / Math.sqrt(left.rows()));
                right.setIdentity(START / Math.sqrt(right.rows()));
            }
            case KRON -> startFromSingularTriple(gradient, left, right);
        }
        follow(gradient, state);
        for (int side = RefreshTask.LEFT; side <= RefreshTask.RIGHT; side++) {
            Decomposition first =
                    firstRefresh.compute(RefreshMethod.EIGENDECOMPOSITION, state.tensor(FACTOR[side]), null);
            if (!first.succeeded()) {
                left.fill(0);
                right.fill(0);
                return false;
            }
            state.tensor(BASIS[side]).copyFrom(first.basis());
            state.markDirty(BASIS[side]);
        }
        if (rankOne(gradient.columns())) {
            state.tensor(LEFT_MOMENT).fill(settings.epsilon());
            state.tensor(RIGHT_MOMENT).fill(settings.epsilon());
            state.markDirty(LEFT_MOMENT);
            state.markDirty(RIGHT_MOMENT);
        }
        return true;
    }

    /** {@code L = s (u u^T + ridge I), R = s (v v^T + ridge I)}, from the row of largest norm by power iteration. */
    private static void startFromSingularTriple(Matrix gradient, Matrix left, Matrix right) {
        int m = gradient.rows();
        int n = gradient.columns();
        double[][] g = new double[m][n];
        double[] u = new double[m];
        double[] v = g[0];
        double longest = -1;
        for (int i = 0; i < m; i++) {
            gradient.read(i * n, g[i], 0, n);
            double length = length(g[i]);
            if (length > longest) {
                longest = length;
                v = g[i].clone();
            }
        }
        normalise(v);
        double singularValue = 0;
        for (int iteration = 0; iteration < POWER_ITERATIONS; iteration++) {
            for (int i = 0; i < m; i++) {
                u[i] = 0;
                for (int j = 0; j < n; j++) {
                    u[i] += g[i][j] * v[j];
                }
            }
            normalise(u);
            for (int j = 0; j < n; j++) {
                v[j] = 0;
                for (int i = 0; i < m; i++) {
                    v[j] += g[i][j] * u[i];
                }
            }
            singularValue = normalise(v);
        }
        setOuterProduct(left, singularValue, u);
        setOuterProduct(right, singularValue, v);
    }

    private static void setOuterProduct(Matrix factor, double scale, double[] vector) {
        for (int i = 0; i < vector.length; i++) {
            for (int j = 0; j < vector.length; j++) {
                factor.set(i, j, scale * (vector[i] * vector[j]));
            }
        }
        factor.addToDiagonal(KRON_RIDGE * scale);
    }

    /** Updates the moments with the rotated gradient in the scratch and replaces it by {@code M' / (sqrt(V) + eps)}. */
    private void divideByRoot(Scratch own, LayerState state) {
        Matrix momentum = state.tensor(MOMENTUM);
        if (rankOne(own.rotated.columns())) {
            Matrix leftMoment = state.tensor(LEFT_MOMENT);
            Matrix rightMoment = state.tensor(RIGHT_MOMENT);
            followSquares(own.rotated, leftMoment, rightMoment, settings.beta2());
            divideByRankOne(own.rotated, momentum, leftMoment, rightMoment);
            state.markDirty(LEFT_MOMENT);
            state.markDirty(RIGHT_MOMENT);
        } else {
            Elementwise.run(
                    new RotatedAdam(settings.beta1(), settings.beta2(), settings.epsilon()),
                    3,
                    momentum,
                    state.tensor(SECOND_MOMENT),
                    own.rotated);
            state.markDirty(SECOND_MOMENT);
        }
        state.markDirty(MOMENTUM);
    }

    /** Takes {@code l r^T} through one step of the parallel splitting of {@code b2 V + (1 - b2) G'^2}, in double. */
    private static void followSquares(Matrix rotated, Matrix leftMoment, Matrix rightMoment, double beta2) {
        int m = rotated.rows();
        int n = rotated.columns();
        double[] l0 = vector(leftMoment);
        double[] r0 = vector(rightMoment);
        double kept = beta2 * normalise(l0) * normalise(r0);
        double[] l1 = new double[m];
        double[] r1 = new double[n];
        double[] row = new double[n];
        for (int i = 0; i < m; i++) {
            rotated.read(i * n, row, 0, n);
            double sum = 0;
            for (int j = 0; j < n; j++) {
                double square = row[j] * row[j];
                sum += square * r0[j];
                r1[j] += square * l0[i];
            }
            l1[i] = kept * l0[i] + (1 - beta2) * sum;
        }
        for (int j = 0; j < n; j++) {
            r1[j] = kept * r0[j] + (1 - beta2) * r1[j];
        }
        if (normalise(l1) == 0 || normalise(r1) == 0) {
            return;
        }
        double s = kept * dot(l0, l1) * dot(r0, r1);
        for (int i = 0; i < m; i++) {
            rotated.read(i * n, row, 0, n);
            double sum = 0;
            for (int j = 0; j < n; j++) {
                sum += row[j] * row[j] * r1[j];
            }
            s += (1 - beta2) * l1[i] * sum;
        }
        writeScaled(leftMoment, l1, Math.sqrt(s));
        writeScaled(rightMoment, r1, Math.sqrt(s));
    }

    private void divideByRankOne(Matrix rotated, Matrix momentum, Matrix leftMoment, Matrix rightMoment) {
        int n = rotated.columns();
        double[] l = vector(leftMoment);
        double[] r = vector(rightMoment);
        double[] g = new double[n];
        double[] mean = new double[n];
        double floor = settings.epsilon() * settings.epsilon();
        for (int i = 0; i < l.length; i++) {
            rotated.read(i * n, g, 0, n);
            momentum.read(i * n, mean, 0, n);
            for (int j = 0; j < n; j++) {
                mean[j] = settings.beta1() * mean[j] + (1 - settings.beta1()) * g[j];
                g[j] = mean[j] / Math.sqrt(l[i] * r[j] + floor);
            }
            momentum.write(i * n, mean, 0, n);
            rotated.write(i * n, g, 0, n);
        }
    }

    private static double[] vector(Matrix column) {
        double[] vector = new double[column.rows()];
        column.read(0, vector, 0, vector.length);
        return vector;
    }

    private static void writeScaled(Matrix column, double[] vector, double scale) {
        for (int i = 0; i < vector.length; i++) {
            vector[i] *= scale;
        }
        column.write(0, vector, 0, vector.length);
    }

    private static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }

    private static double length(double[] vector) {
        return Math.sqrt(dot(vector, vector));
    }

    /** Scales to length 1 unless it is zero, and returns the length that it had. */
    private static double normalise(double[] vector) {
        double length = length(vector);
        for (int i = 0; i < vector.length && length > 0; i++) {
            vector[i] /= length;
        }
        return length;
    }

    @Override
    public List<Integer> sides(int rows, int columns) {
        List<Integer> sides = new ArrayList<>();
        // A number has one eigenvector.
        if (columns > 1 && rows > 1) {
            sides.add(RefreshTask.LEFT);
        }
        if (columns > 1) {
            sides.add(RefreshTask.RIGHT);
        }
        return sides;
    }

    @Override
    public RefreshTask task(LayerState state, int side) {
        return new RefreshTask(side, settings.refreshMethod(), state.tensor(FACTOR[side]), state.tensor(BASIS[side]));
    }

    @Override
    public List<RefreshTask> due(LayerState state) {
        long k = state.counter(CALLS) - 1;
        if (k < 1 || k % settings.refreshInterval() != 0) {
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
        Matrix basis = state.tensor(BASIS[side]);
        Matrix momentum = state.tensor(MOMENTUM);
        Scratch own = scratch(momentum.rows(), momentum.columns());
        Matrix overlap = own.overlap(side);
        overlap.multiply(1, decomposition.basis(), true, basis, false, 0);
        if (side == RefreshTask.LEFT) {
            own.product.multiply(1, overlap, false, momentum, false, 0);
        } else {
            own.product.multiply(1, momentum, false, overlap, true, 0);
        }
        momentum.copyFrom(own.product);
        permuteSecondMoment(state, side, decomposition.permutation());
        basis.copyFrom(decomposition.basis());
        state.markDirty(MOMENTUM);
        state.markDirty(BASIS[side]);
    }

    private void permuteSecondMoment(LayerState state, int side, int[] permutation) {
        boolean left = side == RefreshTask.LEFT;
        if (rankOne(state.tensor(MOMENTUM).columns())) {
            String name = left ? LEFT_MOMENT : RIGHT_MOMENT;
            permuteRows(state.tensor(name), permutation);
            state.markDirty(name);
            return;
        }
        Matrix moment = state.tensor(SECOND_MOMENT);
        if (left) {
            permuteRows(moment, permutation);
        } else {
            permuteColumns(moment, permutation);
        }
        state.markDirty(SECOND_MOMENT);
    }

    private static void permuteRows(Matrix matrix, int[] permutation) {
        int n = matrix.columns();
        double[] all = new double[matrix.rows() * n];
        matrix.read(0, all, 0, all.length);
        for (int i = 0; i < permutation.length; i++) {
            matrix.write(i * n, all, permutation[i] * n, n);
        }
    }

    private static void permuteColumns(Matrix matrix, int[] permutation) {
        int n = matrix.columns();
        double[] row = new double[n];
        double[] permuted = new double[n];
        for (int i = 0; i < matrix.rows(); i++) {
            matrix.read(i * n, row, 0, n);
            for (int j = 0; j < n; j++) {
                permuted[j] = row[permutation[j]];
            }
            matrix.write(i * n, permuted, 0, n);
        }
    }

    private Scratch scratch(int rows, int columns) {
        return scratch.computeIfAbsent((long) rows << 32 | columns, key -> new Scratch(precision, rows, columns));
    }

    @Override
    public void close() {
        splitting.close();
        firstRefresh.close();
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
}
