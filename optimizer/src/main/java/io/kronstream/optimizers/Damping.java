// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;

/**
 * Damping of a Kronecker product {@code A kron G} by its factors: {@code (A + pi sqrt(lambda) I) kron (G + sqrt(lambda)
 * / pi I)} with {@code pi = sqrt((tr A / n) / (tr G / m))}, which balances the two cross terms.
 *
 * <p>Reference: Martens and Grosse 2015, arXiv 1503.05671, section 6.3.
 */
final class Damping {
    /** Of pi and its inverse: beyond them the inverses of damped factors leave the range of a float. */
    private static final double LARGEST_RATIO = 1e9;

    private Damping() {}

    /** What is to be added to the diagonal of a side's factor. */
    static double shift(double lambda, Matrix left, Matrix right, int side) {
        double pi = ratio(left, right);
        return side == RefreshTask.LEFT ? Math.sqrt(lambda) / pi : Math.sqrt(lambda) * pi;
    }

    private static double ratio(Matrix left, Matrix right) {
        double leftMean = trace(left) / left.rows();
        double rightMean = trace(right) / right.rows();
        if (!(leftMean > 0) || !(rightMean > 0)) {
            return 1;
        }
        return Math.min(LARGEST_RATIO, Math.max(1 / LARGEST_RATIO, Math.sqrt(rightMean / leftMean)));
    }

    private static double trace(Matrix matrix) {
        double trace = 0;
        for (int i = 0; i < matrix.rows(); i++) {
            trace += matrix.get(i, i);
        }
        return trace;
    }
}
