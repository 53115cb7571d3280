// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Ordering;
import io.kronstream.linalg.Precision;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Does the cubic work on symmetric factors: eigenbases, inverses, powers. What does not succeed is tried once more in double precision, with
 * a little damping. Results depend on the arguments alone. It owns scratch memory and is not thread-safe.
 *
 * <p>Coordinates that a factor keeps apart stay exactly apart: where a row is zero beside the diagonal, the unit vector
 * is its eigenvector, to the last bit. An input that never spoke thus gets a rotated gradient of exactly zero, where
 * rounding noise divided by its own size would move its weights. Decompositions therefore leave such coordinates out;
 * after a QR iteration, entries that are within rounding of zero are made exactly zero.
 *
 * <p>Reference: the QR iteration is that of SOAP (Vyas et al. 2024, arXiv 2409.11321, algorithm 4).
 */
public final class EigenRefresh implements AutoCloseable {
    /** Ridge of the second try, relative to the mean eigenvalue. */
    private static final double DAMPING = 1e-6;

    /** Exponents of powers that are taken in double precision at once: that of vectors under Shampoo. */
    private static final double AMPLIFYING = -0.5;

    /** Rounding of a basis entry, in units of {@code sqrt(n)} times half a unit in the last place of 1. */
    private static final double NOISE = 4;

    private final Precision precision;
    private final Map<Integer, Scratch> scratch = new HashMap<>();
    /** The last task if it succeeded at once, and its permutation: the scratch of its size still shows how. */
    private RefreshTask last;

    private int[] lastPermutation;

    public EigenRefresh(Precision precision) {
        this.precision = precision;
    }

    /** Does the work of a task, whose matrices have this object's precision. */
    public Decomposition compute(RefreshTask task) {
        Scratch own = scratch.computeIfAbsent(task.factor().rows(), n -> new Scratch(precision, n));
        int[] permutation = amplifies(task) ? attemptInDouble(task, 0, own) : attempt(task, own);
        last = permutation == null ? null : task;
        lastPermutation = permutation;
        if (permutation == null) {
            permutation = attemptInDouble(task, DAMPING, own);
        }
        if (permutation == null) {
            return new Decomposition(false, own.result, new double[0], new int[0]);
        }
        double[] eigenvalues = task.method().givesEigenvalues() ? own.eigenvalues : new double[0];
        return new Decomposition(true, own.result, eigenvalues, permutation);
    }

    /** What the last refresh saw of its factor, whose matrices must not have changed since. Costs n^2. */
    public RefreshHealth health() {
        if (last == null) {
            return RefreshHealth.UNKNOWN;
        }
        Scratch own = scratch.get(last.factor().rows());
        return switch (last.method()) {
            case QR_ITERATION -> RefreshHealth.of(residual(own), own.eigenvalues, rotation(own));
            case EIGENDECOMPOSITION, POWER -> RefreshHealth.of(Double.NaN, own.eigenvalues, Double.NaN);
            case INVERSE, PAIR -> RefreshHealth.UNKNOWN;
        };
    }

    /** As {@link BasisFit#residual}, from the product that a QR iteration begins with. */
    private double residual(Scratch own) {
        int n = last.factor().rows();
        double norm = last.factor().norm();
        double squares = 0;
        for (int i = 0; i < n; i++) {
            last.basis().read(i * n, own.row, 0, n);
            own.product.read(i * n, own.otherRow, 0, n);
            for (int j = 0; j < n; j++) {
                double rest = own.otherRow[j] - own.row[j] * own.eigenvalues[j];
                squares += rest * rest;
            }
        }
        return norm == 0 ? 0 : Math.sqrt(squares) / norm;
    }

    private double rotation(Scratch own) {
        int n = last.factor().rows();
        double[] products = new double[n];
        for (int i = 0; i < n; i++) {
            own.result.read(i * n, own.row, 0, n);
            last.basis().read(i * n, own.otherRow, 0, n);
            for (int j = 0; j < n; j++) {
                products[j] += own.row[j] * own.otherRow[lastPermutation[j]];
            }
        }
        double rotation = 0;
        for (double product : products) {
            rotation += Math.max(0, 1 - Math.abs(product)) / n;
        }
        return rotation;
    }

    /** Whether the power of a small eigenvalue makes more of its rounding than single precision should see. */
    private static boolean amplifies(RefreshTask task) {
        return task.method() == RefreshMethod.POWER && task.exponent() <= AMPLIFYING;
    }

    /** With a ridge relative to the mean eigenvalue. */
    private static int[] attemptInDouble(RefreshTask task, double ridge, Scratch own) {
        int n = task.factor().rows();
        try (Scratch wide = new Scratch(Precision.DOUBLE, n);
                Matrix damped = wide(task.factor());
                Matrix partner = task.partner() == null ? null : wide(task.partner());
                Matrix basis = task.basis() == null ? null : wide(task.basis())) {
            if (ridge > 0) {
                damped.addToDiagonal(ridge * trace(damped) / n);
            }
            int[] permutation = attempt(
                    new RefreshTask(task.side(), task.method(), damped, partner, basis, task.shift(), task.exponent()),
                    wide);
            if (permutation != null) {
                own.result.copyFrom(wide.result);
                System.arraycopy(wide.eigenvalues, 0, own.eigenvalues, 0, n);
            }
            // What is finite in double may not be in single precision.
            return permutation != null && Double.isFinite(own.result.squaredNorm()) ? permutation : null;
        }
    }

    private static Matrix wide(Matrix matrix) {
        Matrix wide = Matrix.create(Precision.DOUBLE, matrix.rows(), matrix.columns());
        wide.copyFrom(matrix);
        return wide;
    }

    private static double trace(Matrix matrix) {
        double trace = 0;
        for (int i = 0; i < matrix.rows(); i++) {
            trace += matrix.get(i, i);
        }
        return trace;
    }

    /** Leaves the result, and eigenvalues if it has any, in the scratch and returns the permutation; null if it failed. */
    private static int[] attempt(RefreshTask task, Scratch scratch) {
        Matrix factor = task.factor();
        if (!Double.isFinite(factor.squaredNorm())) {
            return null;
        }
        boolean succeeded =
                switch (task.method()) {
                    case QR_ITERATION -> true;
                    case EIGENDECOMPOSITION -> eigendecomposition(factor, scratch);
                    case INVERSE -> inverse(factor, task.shift(), scratch);
                    case POWER -> power(factor, task.shift(), task.exponent(), scratch);
                    case PAIR -> pair(factor, task.shift(), task.partner(), scratch);
                };
        if (!succeeded) {
            return null;
        }
        return task.method() == RefreshMethod.QR_ITERATION
                ? qrIteration(factor, task.basis(), scratch)
                : Ordering.descending(factor.rows(), i -> 0);
    }

    private static boolean inverse(Matrix factor, double shift, Scratch scratch) {
        scratch.result.copyFrom(factor);
        scratch.result.addToDiagonal(shift);
        return scratch.result.invertPositiveDefinite();
    }

    private static boolean power(Matrix factor, double shift, double exponent, Scratch scratch) {
        if (!eigendecomposition(factor, scratch)) {
            return false;
        }
        int n = factor.rows();
        double raised = shift - Math.min(0, scratch.eigenvalues[n - 1]);
        // Smaller ones are rounding errors of the largest, and a negative power of one would amplify those of a
        // gradient.
        double unit = factor.precision() == Precision.FLOAT ? 0x1p-24 : 0x1p-53;
        double least = unit * Math.sqrt(n) * scratch.eigenvalues[0];
        double[] powers = new double[n];
        for (int j = 0; j < n; j++) {
            double eigenvalue = Math.max(least, scratch.eigenvalues[j] + raised);
            if (eigenvalue <= 0) {
                return false;
            }
            powers[j] = StrictMath.pow(eigenvalue, exponent);
        }
        scaleColumns(scratch.result, powers, scratch.product, scratch.row);
        scratch.other().multiplySymmetric(1, scratch.product, false, scratch.result, true, 0);
        scratch.result.copyFrom(scratch.other());
        return Double.isFinite(scratch.result.squaredNorm());
    }

    /** {@code B = Q (d + shift)^-1/2}, then {@code K = B E} with the eigenvectors E of {@code B^T Y B}. */
    private static boolean pair(Matrix factor, double shift, Matrix partner, Scratch scratch) {
        if (!Double.isFinite(partner.squaredNorm()) || !eigendecomposition(factor, scratch)) {
            return false;
        }
        int n = factor.rows();
        double[] scales = new double[n];
        for (int j = 0; j < n; j++) {
            double eigenvalue = scratch.eigenvalues[j] + shift;
            if (eigenvalue <= 0) {
                return false;
            }
            scales[j] = 1 / Math.sqrt(eigenvalue);
        }
        try (Matrix root = Matrix.create(factor.precision(), n, n);
                Matrix reduced = Matrix.create(factor.precision(), n, n)) {
            scaleColumns(scratch.result, scales, root, scratch.row);
            scratch.product.multiply(1, partner, false, root, false, 0);
            reduced.multiplySymmetric(1, root, true, scratch.product, false, 0);
            if (!Double.isFinite(reduced.squaredNorm()) || !eigendecomposition(reduced, scratch)) {
                return false;
            }
            scratch.product.multiply(1, root, false, scratch.result, false, 0);
            scratch.result.copyFrom(scratch.product);
        }
        return Double.isFinite(scratch.result.squaredNorm());
    }

    private static void scaleColumns(Matrix matrix, double[] scales, Matrix result, double[] row) {
        int n = matrix.columns();
        for (int i = 0; i < n; i++) {
            matrix.read(i * n, row, 0, n);
            for (int j = 0; j < n; j++) {
                row[j] *= scales[j];
            }
            result.write(i * n, row, 0, n);
        }
    }

    private static boolean eigendecomposition(Matrix factor, Scratch scratch) {
        Matrix result = scratch.result;
        double[] descending = scratch.eigenvalues;
        int n = factor.rows();
        int[] coupled = coupled(factor);
        if (coupled.length == n) {
            result.copyFrom(factor);
            return result.eigenvectors(descending);
        }
        // Eigenvectors of the coupled coordinates first, then the others' unit vectors; finally by eigenvalue.
        double[] eigenvalues = new double[n];
        int[] unit = new int[n];
        int lone = coupled.length;
        for (int i = 0; i < n; i++) {
            if (Arrays.binarySearch(coupled, i) < 0) {
                eigenvalues[lone] = factor.get(i, i);
                unit[lone++] = i;
            }
        }
        result.fill(0);
        try (Matrix part =
                Matrix.create(factor.precision(), Math.max(1, coupled.length), Math.max(1, coupled.length))) {
            for (int i = 0; i < coupled.length; i++) {
                for (int j = 0; j < coupled.length; j++) {
                    part.set(i, j, factor.get(coupled[i], coupled[j]));
                }
            }
            double[] partValues = new double[part.rows()];
            if (!part.eigenvectors(partValues)) {
                return false;
            }
            System.arraycopy(partValues, 0, eigenvalues, 0, coupled.length);
            int[] order = Ordering.descending(n, j -> eigenvalues[j]);
            for (int j = 0; j < n; j++) {
                descending[j] = eigenvalues[order[j]];
                if (order[j] >= coupled.length) {
                    result.set(unit[order[j]], j, 1);
                    continue;
                }
                for (int i = 0; i < coupled.length; i++) {
                    result.set(coupled[i], j, part.get(i, order[j]));
                }
            }
        }
        return true;
    }

    /** Coordinates whose row is not zero beside the diagonal, ascending. */
    private static int[] coupled(Matrix factor) {
        int n = factor.rows();
        double[] row = new double[n];
        int[] coupled = new int[n];
        int count = 0;
        for (int i = 0; i < n; i++) {
            factor.read(i * n, row, 0, n);
            row[i] = 0;
            for (int j = 0; j < n; j++) {
                if (row[j] != 0) {
                    coupled[count++] = i;
                    break;
                }
            }
        }
        return Arrays.copyOf(coupled, count);
    }

    private static int[] qrIteration(Matrix factor, Matrix basis, Scratch scratch) {
        int n = factor.rows();
        Matrix product = scratch.product;
        product.multiply(1, factor, false, basis, false, 0);
        double[] eigenvalues = scratch.eigenvalues; // for health(): a QR iteration gives none
        Arrays.fill(eigenvalues, 0);
        for (int i = 0; i < n; i++) {
            basis.read(i * n, scratch.row, 0, n);
            product.read(i * n, scratch.otherRow, 0, n);
            for (int j = 0; j < n; j++) {
                eigenvalues[j] += scratch.row[j] * scratch.otherRow[j];
            }
        }
        int[] order = Ordering.descending(n, j -> eigenvalues[j]);
        for (int i = 0; i < n; i++) {
            product.read(i * n, scratch.row, 0, n);
            for (int j = 0; j < n; j++) {
                scratch.otherRow[j] = scratch.row[order[j]];
            }
            scratch.result.write(i * n, scratch.otherRow, 0, n);
        }
        if (!scratch.result.orthonormalise()) {
            return null;
        }
        silenceNoise(scratch.result, scratch.row);
        return order;
    }

    private static void silenceNoise(Matrix basis, double[] row) {
        int n = basis.rows();
        double unit = basis.precision() == Precision.FLOAT ? 0x1p-24 : 0x1p-53;
        double noise = NOISE * Math.sqrt(n) * unit;
        for (int i = 0; i < n; i++) {
            basis.read(i * n, row, 0, n);
            for (int j = 0; j < n; j++) {
                row[j] = Math.abs(row[j]) < noise ? 0 : row[j];
            }
            basis.write(i * n, row, 0, n);
        }
    }

    @Override
    public void close() {
        scratch.values().forEach(Scratch::close);
        scratch.clear();
    }

    private static final class Scratch implements AutoCloseable {
        final Matrix result;
        final Matrix product;
        final double[] eigenvalues;
        private Matrix other;
        final double[] row;
        final double[] otherRow;

        Scratch(Precision precision, int n) {
            result = Matrix.create(precision, n, n);
            product = Matrix.create(precision, n, n);
            eigenvalues = new double[n];
            row = new double[n];
            otherRow = new double[n];
        }

        Matrix other() {
            if (other == null) {
                other = Matrix.create(result.precision(), result.rows(), result.rows());
            }
            return other;
        }

        @Override
        public void close() {
            result.close();
            product.close();
            if (other != null) {
                other.close();
            }
        }
    }
}
