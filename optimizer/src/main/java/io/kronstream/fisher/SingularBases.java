// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.Arrays;

/**
 * Orthonormal bases of the rows and columns of a gradient that begin with its singular vectors, in the order of descending
 * singular values: they are the eigenvectors of {@code G G^T}, of {@code G^T G}, and of every factor that G starts.
 *
 * <p>The shorter side's are the eigenvectors U of its Gram matrix, in double precision, as its eigenvalues are squares. The
 * longer side's are {@code G^T U}, orthonormalised and completed: much less work than a second decomposition, and the two
 * belong together.
 *
 * <p>What is silent stays apart: a row or column of zeros has the unit vector of its coordinate in the basis, to the last
 * bit, and no other vector touches that coordinate.
 */
public final class SingularBases {
    private SingularBases() {}

    /**
     * @param gradient m x n, not zero
     * @param left set to the basis of its columns' space, m x m; null if it is not wanted
     * @param right set to the basis of its rows' space, n x n; null if it is not wanted
     * @return false if the gradient has no such bases in double precision; left and right are then undefined
     */
    public static boolean compute(Matrix gradient, Matrix left, Matrix right) {
        int m = gradient.rows();
        int n = gradient.columns();
        double[] elements = new double[m * n];
        gradient.read(0, elements, 0, elements.length);
        int[] rows = loud(elements, n, false);
        int[] columns = loud(elements, n, true);
        boolean leftIsShorter = rows.length <= columns.length;
        Matrix shorter = leftIsShorter ? left : right;
        Matrix longer = leftIsShorter ? right : left;
        int[] shorterCoordinates = leftIsShorter ? rows : columns;
        int[] longerCoordinates = leftIsShorter ? columns : rows;
        int p = shorterCoordinates.length;
        int q = longerCoordinates.length;
        try (Matrix loud = Matrix.create(Precision.DOUBLE, p, q);
                Matrix vectors = Matrix.create(Precision.DOUBLE, p, p)) {
            for (int i = 0; i < p; i++) {
                for (int j = 0; j < q; j++) {
                    int row = leftIsShorter ? rows[i] : rows[j];
                    int column = leftIsShorter ? columns[j] : columns[i];
                    loud.set(i, j, elements[row * n + column]);
                }
            }
            vectors.addGram(1, loud, false, 0);
            boolean succeeded = vectors.eigenvectors(null);
            if (succeeded && shorter != null) {
                embed(vectors, shorterCoordinates, shorter);
            }
            if (succeeded && longer != null) {
                try (Matrix others = Matrix.create(Precision.DOUBLE, q, q)) {
                    others.leftColumns(p).multiply(1, loud, true, vectors, false, 0);
                    succeeded = others.orthonormalise(p);
                    embed(others, longerCoordinates, longer);
                }
            }
            return succeeded;
        }
    }

    /** Rows, or columns, that are not all zero, ascending. */
    private static int[] loud(double[] elements, int columns, boolean ofColumns) {
        boolean[] loud = new boolean[ofColumns ? columns : elements.length / columns];
        int count = 0;
        for (int i = 0; i < elements.length; i++) {
            int at = ofColumns ? i % columns : i / columns;
            if (elements[i] != 0 && !loud[at]) {
                loud[at] = true;
                count++;
            }
        }
        int[] coordinates = new int[count];
        for (int i = loud.length - 1; i >= 0; i--) {
            if (loud[i]) {
                coordinates[--count] = i;
            }
        }
        return coordinates;
    }

    /** The basis of some coordinates, then the unit vectors of the others. */
    private static void embed(Matrix basis, int[] coordinates, Matrix result) {
        int n = result.rows();
        int known = coordinates.length;
        double[] row = new double[n];
        int at = 0;
        int silent = known;
        for (int i = 0; i < n; i++) {
            Arrays.fill(row, 0);
            if (at < known && coordinates[at] == i) {
                basis.read(at++ * known, row, 0, known);
            } else {
                row[silent++] = 1;
            }
            result.write(i * n, row, 0, n);
        }
    }
}
