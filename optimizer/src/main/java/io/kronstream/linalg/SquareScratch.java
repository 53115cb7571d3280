// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

/** Memory for one square matrix whose size may change from use to use. */
public final class SquareScratch implements AutoCloseable {
    private final Precision precision;
    private Matrix matrix;

    public SquareScratch(Precision precision) {
        this.precision = precision;
    }

    /** A matrix of undefined contents, valid until the next call; without gaps, so that sums do not depend on history. */
    public Matrix ofSize(int size) {
        if (matrix == null || matrix.rows() != size) {
            close();
            matrix = Matrix.create(precision, size, size);
        }
        return matrix;
    }

    @Override
    public void close() {
        if (matrix != null) {
            matrix.close();
            matrix = null;
        }
    }
}
