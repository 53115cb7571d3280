// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Ordering;
import io.kronstream.linalg.Precision;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Brings eigenbases of symmetric factors up to date. What does not succeed is tried once more in double precision, with
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

    /** Rounding of a basis entry, in units of {@code sqrt(n)} times half a unit in the last place of 1. */
    private static final double NOISE = 4;

    private final Precision precision;
    private final Map<Integer, Scratch> scratch = new HashMap<>();

    public EigenRefresh(Precision precision) {
        this.precision = precision;
    }

    /**
     * Does the work of a task.
     *
     * @param factor symmetric n x n, of this object's precision
     * @param basis present basis; may be null for {@link RefreshMethod#EIGENDECOMPOSITION}
     */
    public Decomposition compute(RefreshMethod method, Matrix factor, Matrix basis) {
        Scratch own = scratch.computeIfAbsent(factor.rows(), n -> new Scratch(precision, n));
        int[] permutation = attempt(method, factor, basis, own);
        if (permutation == null) {
            permutation = secondTry(method, factor, basis, own.result);
        }
        if (permutation == null) {
            return new Decomposition(false, own.result, new int[0]);
        }
        return new Decomposition(true, own.result, permutation);
    }

    private static int[] secondTry(RefreshMethod method, Matrix factor, Matrix basis, Matrix result) {
        int n = factor.rows();
        try (Scratch wide = new Scratch(Precision.DOUBLE, n);
                Matrix damped = Matrix.create(Precision.DOUBLE, n, n);
                Matrix wideBasis = Matrix.create(Precision.DOUBLE, n, n)) {
            damped.copyFrom(factor);
            double trace = 0;
            for (int i = 0; i < n; i++) {
                trace += damped.get(i, i);
            }
            damped.addToDiagonal(DAMPING * trace / n);
            if (basis != null) {
                wideBasis.copyFrom(basis);
            }
            int[] permutation = attempt(method, damped, wideBasis, wide);
            if (permutation != null) {
                result.copyFrom(wide.result);
            }
            return permutation;
        }
    }

    /** Leaves the new basis in the scratch's result; null if it failed. */
    private static int[] attempt(RefreshMethod method, Matrix factor, Matrix basis, Scratch scratch) {
        if (!Double.isFinite(factor.squaredNorm())) {
            return null;
        }
        int n = factor.rows();
        return switch (method) {
            case EIGENDECOMPOSITION -> eigendecomposition(factor, scratch.result)
                    ? Ordering.descending(n, i -> 0)
                    : null;
            case QR_ITERATION -> qrIteration(factor, basis, scratch);
        };
    }

    private static boolean eigendecomposition(Matrix factor, Matrix result) {
        int n = factor.rows();
        int[] coupled = coupled(factor);
        if (coupled.length == n) {
            result.copyFrom(factor);
            return result.eigenvectors(null);
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
        double[] eigenvalues = new double[n];
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
        final double[] row;
        final double[] otherRow;

        Scratch(Precision precision, int n) {
            result = Matrix.create(precision, n, n);
            product = Matrix.create(precision, n, n);
            row = new double[n];
            otherRow = new double[n];
        }

        @Override
        public void close() {
            result.close();
            product.close();
        }
    }
}
