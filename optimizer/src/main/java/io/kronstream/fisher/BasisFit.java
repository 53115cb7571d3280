// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.SquareScratch;

/**
 * How well a basis Q fits a factor F: {@code |offdiag(Q^T F Q)| / |F|} in Frobenius norm, taken as {@code |F Q - Q D| / |F|}
 * with the diagonal D of {@code Q^T F Q}, which is the same for an orthogonal Q and costs one product. Not thread-safe.
 */
public final class BasisFit implements AutoCloseable {
    private final SquareScratch scratch;

    public BasisFit(Precision precision) {
        scratch = new SquareScratch(precision);
    }

    /** Between 0, for eigenvectors, and 1. A factor of zero is fitted by every basis. */
    public double residual(Matrix factor, Matrix basis) {
        int n = factor.rows();
        double norm = factor.norm();
        if (norm == 0) {
            return 0;
        }
        Matrix product = scratch.ofSize(n);
        product.multiply(1, factor, false, basis, false, 0);
        double[] diagonal = new double[n];
        double[] row = new double[n];
        double[] productRow = new double[n];
        for (int i = 0; i < n; i++) {
            basis.read(i * n, row, 0, n);
            product.read(i * n, productRow, 0, n);
            for (int j = 0; j < n; j++) {
                diagonal[j] += row[j] * productRow[j];
            }
        }
        double squares = 0;
        for (int i = 0; i < n; i++) {
            basis.read(i * n, row, 0, n);
            product.read(i * n, productRow, 0, n);
            for (int j = 0; j < n; j++) {
                double rest = productRow[j] - row[j] * diagonal[j];
                squares += rest * rest;
            }
        }
        return Math.sqrt(squares) / norm;
    }

    @Override
    public void close() {
        scratch.close();
    }
}
