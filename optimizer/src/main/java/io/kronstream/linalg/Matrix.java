// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

/**
 * A dense row-major matrix. Operations write into {@code this}; operands must have the same precision and, unless said
 * otherwise, must not overlap it. Results depend on the operands' values and shapes alone (and on the processor type
 * that OpenBLAS uses, see {@link Numerics}), never on addresses or timing.
 *
 * <p>A view shares the memory of the matrix it was taken from and must not be used after that was closed. Not
 * thread-safe; concurrent reading is fine.
 */
public abstract class Matrix implements AutoCloseable {
    private final int rows;
    private final int columns;
    private final int stride;

    Matrix(int rows, int columns, int stride) {
        if (rows < 1 || columns < 1 || stride < columns) {
            throw new IllegalArgumentException("A matrix must have at least one row and column, was " + rows + " x "
                    + columns + " with stride " + stride);
        }
        this.rows = rows;
        this.columns = columns;
        this.stride = stride;
    }

    /** A matrix of zeros that owns its memory: in native memory for {@code FLOAT}, on the heap for {@code DOUBLE}. */
    public static Matrix create(Precision precision, int rows, int columns) {
        return switch (precision) {
            case FLOAT -> FloatMatrix.create(rows, columns);
            case DOUBLE -> DoubleMatrix.create(rows, columns);
        };
    }

    public final int rows() {
        return rows;
    }

    public final int columns() {
        return columns;
    }

    /** Elements from the start of a row to the start of the next. */
    final int stride() {
        return stride;
    }

    final boolean contiguous() {
        return stride == columns || rows == 1;
    }

    public abstract Precision precision();

    public abstract double get(int row, int column);

    /** Sets one element, rounded to this matrix's precision. */
    public abstract void set(int row, int column, double value);

    /** Copies elements, counted row by row from {@code position}, to {@code target}; rounds a double matrix. */
    public abstract void read(int position, float[] target, int offset, int length);

    /** As {@link #read(int, float[], int, int)}, exactly. */
    public abstract void read(int position, double[] target, int offset, int length);

    /** The inverse of {@link #read(int, float[], int, int)}. */
    public abstract void write(int position, float[] source, int offset, int length);

    /** As {@link #write(int, float[], int, int)}; rounds for a float matrix. */
    public abstract void write(int position, double[] source, int offset, int length);

    /** A view of the first {@code count} rows. */
    public abstract Matrix topRows(int count);

    /** A view of the first {@code count} columns. */
    public abstract Matrix leftColumns(int count);

    /** A view of {@code count} rows from {@code row} and {@code width} columns from {@code column}. */
    public final Matrix block(int row, int count, int column, int width) {
        if (row < 0 || column < 0 || row + count > rows || column + width > columns) {
            throw new IllegalArgumentException("There is no block of " + count + " x " + width + " at " + row + ", "
                    + column + " of " + rows + " x " + columns);
        }
        return row == 0 && column == 0 && count == rows && width == columns
                ? this
                : blockView(row, count, column, width);
    }

    abstract Matrix blockView(int row, int count, int column, int width);

    public abstract void fill(double value);

    /** Copies a matrix of the same shape and of either precision. */
    public final void copyFrom(Matrix source) {
        requireShape(source.rows, source.columns);
        copy(source);
    }

    /** {@code this = alpha op(a) op(b) + beta this}, where op transposes if told to; with beta 0, this is not read. */
    public final void multiply(double alpha, Matrix a, boolean transposeA, Matrix b, boolean transposeB, double beta) {
        int inner = checkProduct(a, transposeA, b, transposeB);
        gemm(0, rows, 0, columns, inner, alpha, a, transposeA, b, transposeB, beta);
    }

    /**
     * As {@link #multiply}, of a product that is symmetric in exact arithmetic: only blocks that touch the upper
     * triangle are computed, then mirrored, so that the result is exactly symmetric.
     */
    public final void multiplySymmetric(
            double alpha, Matrix a, boolean transposeA, Matrix b, boolean transposeB, double beta) {
        requireShape(columns, columns);
        int inner = checkProduct(a, transposeA, b, transposeB);
        // Four blocks save 3/8 of the products; below 256 rows the extra calls cost more.
        int block = rows < 256 ? rows : (rows + 3) / 4;
        for (int start = 0; start < rows; start += block) {
            int end = Math.min(rows, start + block);
            gemm(start, end, start, columns, inner, alpha, a, transposeA, b, transposeB, beta);
        }
        mirrorUpper();
    }

    /** {@code this = alpha x x^T + beta this}, or with {@code x^T x} if transposed; exactly symmetric. */
    public final void addGram(double alpha, Matrix x, boolean transposed, double beta) {
        requireShape(columns, columns);
        checkProduct(x, transposed, x, !transposed);
        syrk(alpha, x, transposed, beta);
        mirrorUpper();
    }

    /** {@code this = alpha other + beta this}; {@code other} may be this matrix. */
    public final void combine(double alpha, Matrix other, double beta) {
        Elementwise.run(new Combination(alpha, beta), 1, this, other);
    }

    /** {@code this = alpha this}. */
    public final void scale(double alpha) {
        Elementwise.run(new Scaling(alpha), 1, this);
    }

    /** Sum of elementwise products, in a fixed order; accurate to a few units in the last place of the largest. */
    public final double dot(Matrix other) {
        requireShape(other.rows, other.columns);
        return Reductions.dot(this, other);
    }

    /** Sum of squares, in a fixed order: of a float matrix finite if and only if every element is. */
    public final double squaredNorm() {
        return Reductions.dot(this, this);
    }

    /** Frobenius norm. */
    public final double norm() {
        return Math.sqrt(squaredNorm());
    }

    /** {@code this = this + alpha I}. */
    public final void addToDiagonal(double alpha) {
        for (int i = 0; i < Math.min(rows, columns); i++) {
            set(i, i, get(i, i) + alpha);
        }
    }

    /** {@code this = alpha I}. */
    public final void setIdentity(double alpha) {
        fill(0);
        addToDiagonal(alpha);
    }

    /**
     * Replaces this symmetric matrix by its eigenvectors, one per column, in the order of descending eigenvalues.
     *
     * @param eigenvalues receives the eigenvalues, descending; may be null
     * @return false if the decomposition failed; the contents are then undefined
     */
    public final boolean eigenvectors(double[] eigenvalues) {
        requireOwnSquare();
        return symmetricEigen(eigenvalues == null ? new double[rows] : eigenvalues);
    }

    /**
     * Replaces this symmetric positive definite matrix by its inverse, which is exactly symmetric.
     *
     * @return false if it is not positive definite in this precision; the contents are then undefined
     */
    public final boolean invertPositiveDefinite() {
        requireOwnSquare();
        if (!cholesky()) {
            return false;
        }
        mirrorUpper();
        return Double.isFinite(squaredNorm());
    }

    /**
     * Replaces this square matrix by the orthogonal factor of its QR factorisation.
     *
     * @return false if it failed; the contents are then undefined
     */
    public final boolean orthonormalise() {
        return orthonormalise(columns);
    }

    /**
     * Replaces this square matrix by the orthogonal factor of the QR factorisation of its first {@code count} columns:
     * those after them complete the basis, whatever they were.
     *
     * @return false if it failed; the contents are then undefined
     */
    public final boolean orthonormalise(int count) {
        requireOwnSquare();
        if (count < 1 || count > columns) {
            throw new IllegalArgumentException("There are " + columns + " columns, not " + count);
        }
        return qr(count);
    }

    /** Releases memory that this matrix owns; a view's is released with its owner. Idempotent. */
    @Override
    public void close() {}

    abstract void gemm(
            int rowFrom,
            int rowTo,
            int columnFrom,
            int columnTo,
            int inner,
            double alpha,
            Matrix a,
            boolean transposeA,
            Matrix b,
            boolean transposeB,
            double beta);

    /** Upper triangle of {@link #addGram}. */
    abstract void syrk(double alpha, Matrix x, boolean transposed, double beta);

    /** Copies the upper triangle to the lower one. */
    public abstract void mirrorUpper();

    abstract boolean symmetricEigen(double[] eigenvalues);

    abstract boolean qr(int count);

    /** Replaces the upper triangle by that of the inverse, by Cholesky's factorisation. */
    abstract boolean cholesky();

    abstract void copy(Matrix source);

    /** Start of a row in the matrix's memory. */
    final int rowStart(int row) {
        return row * stride;
    }

    private int checkProduct(Matrix a, boolean transposeA, Matrix b, boolean transposeB) {
        int left = transposeA ? a.columns : a.rows;
        int inner = transposeA ? a.rows : a.columns;
        int innerB = transposeB ? b.columns : b.rows;
        int right = transposeB ? b.rows : b.columns;
        if (left != rows || right != columns || inner != innerB) {
            throw new IllegalArgumentException("A product of " + left + " x " + inner + " and " + innerB + " x " + right
                    + " does not fit a result of " + rows + " x " + columns);
        }
        if (a.precision() != precision() || b.precision() != precision()) {
            throw new IllegalArgumentException("A product must not mix precisions");
        }
        return inner;
    }

    private void requireShape(int expectedRows, int expectedColumns) {
        if (rows != expectedRows || columns != expectedColumns) {
            throw new IllegalArgumentException("Expected a matrix of " + expectedRows + " x " + expectedColumns
                    + ", was " + rows + " x " + columns);
        }
    }

    private void requireOwnSquare() {
        if (rows != columns || stride != columns) {
            throw new IllegalArgumentException("Expected a square matrix without gaps, was " + rows + " x " + columns);
        }
    }

    @Override
    public final String toString() {
        StringBuilder text = new StringBuilder(precision() + " " + rows + " x " + columns);
        if (rows * (long) columns <= 64) {
            for (int i = 0; i < rows; i++) {
                text.append('\n');
                for (int j = 0; j < columns; j++) {
                    text.append(' ').append(get(i, j));
                }
            }
        }
        return text.toString();
    }

    private record Combination(double alpha, double beta) implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] x = tiles[0];
            float[] y = tiles[1];
            float a = (float) alpha;
            float b = (float) beta;
            for (int i = 0; i < length; i++) {
                x[i] = a * y[i] + b * x[i];
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] x = tiles[0];
            double[] y = tiles[1];
            for (int i = 0; i < length; i++) {
                x[i] = alpha * y[i] + beta * x[i];
            }
        }
    }

    private record Scaling(double alpha) implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] x = tiles[0];
            float a = (float) alpha;
            for (int i = 0; i < length; i++) {
                x[i] *= a;
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] x = tiles[0];
            for (int i = 0; i < length; i++) {
                x[i] *= alpha;
            }
        }
    }
}
