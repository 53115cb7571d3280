// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.ProjectorSplitting;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Stopwatch;
import io.kronstream.linalg.Stopwatch.Work;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;
import java.util.stream.Stream;

/**
 * Adam in the eigenbasis of a Kronecker product that follows the empirical Fisher matrix by projector splitting.
 *
 * <p>The step is that of {@link EigenbasisOptimizer}; L and R follow the gradient with decay bf as in
 * {@link ProjectorSplitting}, from
 *
 * <pre>
 *   L = e I / sqrt(m),   R = e I / sqrt(n),   e = 1e-3 |G|
 * </pre>
 *
 * <p>With the rank-one second moment, V is an outer product {@code l r^T} that follows {@code G'^2} by the parallel
 * splitting, and the denominator is {@code sqrt(l r^T + (eps + er s)^2)} with {@code s^2 = |l| |r|}.
 *
 * <p>Departures: the authors' rank-one denominator has no eps. The start is relative to the first gradient unless told
 * otherwise; the {@code KRON} start has the leading singular value on both sides (theirs has its root, which depends on
 * the gradient's scale) and a ridge of 1e-6, which makes all eigenvalues positive; the first bases are the singular vectors
 * of the first gradient, the same in every run. The default splitting is sequential. The remaining factor of a layer with one long side is
 * a decayed mean, where theirs is a sum from a large start.
 *
 * <p>l and r are {@code leftMoment} and {@code rightMoment}.
 *
 * <p>Reference: DyKAF, arXiv 2511.06477, and its authors' {@code dykaf.py}; the rotated Adam is SOAP's (Vyas et al. 2024,
 * arXiv 2409.11321, algorithm 3).
 */
final class DyKAF extends EigenbasisOptimizer {
    static final Knob<Integrator> INTEGRATOR = Knob.choice(
            "integrator",
            Integrator.SEQUENTIAL,
            "How the factors follow the gradients; parallel costs half as much again as sequential.");
    static final Knob<Start> START =
            Knob.choice("start", Start.RELATIVE_EPSILON, "How the factors start; kron costs one decomposition more.");
    static final Knob<Boolean> RANK_ONE_SECOND_MOMENT = Knob.flag(
                    "rank-one-second-moment",
                    false,
                    "Keep the second moment as an outer product: less memory, less stable.")
            .structural();
    static final List<Knob<?>> KNOBS = Stream.concat(
                    COMMON_KNOBS.stream(), Stream.<Knob<?>>of(INTEGRATOR, START, RANK_ONE_SECOND_MOMENT))
            .toList();

    /** How the factors follow the gradients. */
    enum Integrator {
        /** K step, then L step with the new left factor (Lubich and Oseledets 2014): the default. */
        SEQUENTIAL,
        /** Basis update and Galerkin step of the authors' {@code dykaf.py} (Ceruti and Lubich 2022). */
        PARALLEL,
        /** The order of the authors' {@code dykaf_with_parallel_proj_split.py}: L step with the old left factor. */
        SEQUENTIAL_OLD_LEFT
    }

    /** How the factors start. */
    enum Start {
        /** {@code e I / sqrt(n)} with e = 1e-3 times the norm of the first gradient: the default. */
        RELATIVE_EPSILON,
        /** The same with e = 1e-3, as the authors' code has it. */
        ABSOLUTE_EPSILON,
        /** Leading singular triple of the first gradient, with ridge and deterministic completion. */
        KRON
    }

    private static final String LEFT_MOMENT = "leftMoment";
    private static final String RIGHT_MOMENT = "rightMoment";

    private static final double SMALL_START = 1e-3;
    private static final double KRON_RIDGE = 1e-6;
    private static final int POWER_ITERATIONS = 100;

    private final double beta1;
    private final double beta2;
    private final double factorBeta;
    private final double epsilon;
    private final Start start;
    private final boolean rankOneSecondMoment;
    private final ProjectorSplitting splitting;

    DyKAF(OptimizerSettings settings, Precision precision) {
        super(settings, precision);
        this.beta1 = settings.get(Knobs.BETA1);
        this.beta2 = settings.get(Knobs.BETA2);
        this.factorBeta = settings.get(FACTOR_BETA);
        this.epsilon = settings.get(Knobs.EPSILON);
        this.start = settings.get(START);
        this.rankOneSecondMoment = settings.get(RANK_ONE_SECOND_MOMENT);
        this.splitting = switch (settings.get(INTEGRATOR)) {
            case SEQUENTIAL -> ProjectorSplitting.sequential(precision);
            case PARALLEL -> ProjectorSplitting.parallel(precision);
            case SEQUENTIAL_OLD_LEFT -> ProjectorSplitting.sequentialOldLeft(precision);
        };
    }

    @Override
    void startFactors(LayerGradient gradient, Matrix left, Matrix right) {
        switch (start) {
            case RELATIVE_EPSILON -> startFromIdentity(SMALL_START * gradient.norm(), left, right);
            case ABSOLUTE_EPSILON -> startFromIdentity(SMALL_START, left, right);
            case KRON -> startFromSingularTriple(gradient.gradient(), left, right);
        }
    }

    @Override
    void follow(LayerGradient gradient, Matrix left, Matrix right) {
        Work before = Stopwatch.enter(Work.FACTORS);
        splitting.follow(left, right, gradient, factorBeta);
        Stopwatch.leave(before);
    }

    private static void startFromIdentity(double norm, Matrix left, Matrix right) {
        left.setIdentity(norm / Math.sqrt(left.rows()));
        right.setIdentity(norm / Math.sqrt(right.rows()));
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

    @Override
    List<TensorSpec> secondMoment(int rows, int columns) {
        return rankOneSecondMoment
                ? List.of(TensorSpec.dense(LEFT_MOMENT, rows, 1), TensorSpec.dense(RIGHT_MOMENT, columns, 1))
                : super.secondMoment(rows, columns);
    }

    @Override
    void startSecondMoment(LayerState state) {
        if (rankOneSecondMoment) {
            state.tensor(LEFT_MOMENT).fill(epsilon);
            state.tensor(RIGHT_MOMENT).fill(epsilon);
            state.markDirty(LEFT_MOMENT);
            state.markDirty(RIGHT_MOMENT);
        }
    }

    @Override
    void divideByRoot(Matrix rotated, double squaredNorm, Matrix momentum, LayerState state) {
        if (!rankOneSecondMoment) {
            super.divideByRoot(rotated, squaredNorm, momentum, state);
            return;
        }
        Matrix leftMoment = state.tensor(LEFT_MOMENT);
        Matrix rightMoment = state.tensor(RIGHT_MOMENT);
        followSquares(rotated, leftMoment, rightMoment, beta2);
        divideByRankOne(rotated, momentum, leftMoment, rightMoment);
        state.markDirty(LEFT_MOMENT);
        state.markDirty(RIGHT_MOMENT);
    }

    @Override
    void permuteSecondMoment(LayerState state, int side, int[] permutation, Matrix spare) {
        if (!rankOneSecondMoment) {
            super.permuteSecondMoment(state, side, permutation, spare);
            return;
        }
        String name = side == RefreshTask.LEFT ? LEFT_MOMENT : RIGHT_MOMENT;
        double[] before = vector(state.tensor(name));
        for (int i = 0; i < permutation.length; i++) {
            state.tensor(name).set(i, 0, before[permutation[i]]);
        }
        state.markDirty(name);
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
        double added = epsilon(Math.sqrt(length(l) * length(r)));
        double[] g = new double[n];
        double[] mean = new double[n];
        double floor = added * added;
        for (int i = 0; i < l.length; i++) {
            rotated.read(i * n, g, 0, n);
            momentum.read(i * n, mean, 0, n);
            for (int j = 0; j < n; j++) {
                mean[j] = beta1 * mean[j] + (1 - beta1) * g[j];
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
    public void close() {
        splitting.close();
        super.close();
    }
}
