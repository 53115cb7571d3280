// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;

import java.util.Arrays;
import org.bytedeco.openblas.global.openblas;

/**
 * Double precision on the heap: the reference that tests compare with, the start of eigenbases, and the second try of a
 * refresh. Small products are plain loops; larger ones and decompositions are OpenBLAS's, on copies.
 */
final class DoubleMatrix extends Matrix {
    /** Multiplications up to which a product is faster in a loop than copied to native memory and back. */
    private static final int LARGEST_IN_JAVA = 32 * 32 * 32;

    private final double[] elements;
    private final int start;

    private DoubleMatrix(double[] elements, int start, int rows, int columns, int stride) {
        super(rows, columns, stride);
        this.elements = elements;
        this.start = start;
    }

    static DoubleMatrix create(int rows, int columns) {
        return new DoubleMatrix(new double[Math.multiplyExact(rows, columns)], 0, rows, columns, columns);
    }

    static DoubleMatrix view(double[] elements, int start, int rows, int columns) {
        return new DoubleMatrix(elements, start, rows, columns, columns);
    }

    @Override
    public Precision precision() {
        return Precision.DOUBLE;
    }

    @Override
    public double get(int row, int column) {
        return elements[index(row, column)];
    }

    @Override
    public void set(int row, int column, double value) {
        elements[index(row, column)] = value;
    }

    private int index(int row, int column) {
        if (row < 0 || row >= rows() || column < 0 || column >= columns()) {
            throw new IndexOutOfBoundsException("element " + row + ", " + column + " of " + rows() + " x " + columns());
        }
        return start + rowStart(row) + column;
    }

    private int index(int position) {
        return start + rowStart(position / columns()) + position % columns();
    }

    void readRun(int from, double[] target, int length) {
        System.arraycopy(elements, start + from, target, 0, length);
    }

    void writeRun(int from, double[] source, int length) {
        System.arraycopy(source, 0, elements, start + from, length);
    }

    @Override
    public void read(int position, float[] target, int offset, int length) {
        for (int i = 0; i < length; i++) {
            target[offset + i] = (float) elements[index(position + i)];
        }
    }

    @Override
    public void read(int position, double[] target, int offset, int length) {
        if (contiguous()) {
            System.arraycopy(elements, start + position, target, offset, length);
            return;
        }
        for (int i = 0; i < length; i++) {
            target[offset + i] = elements[index(position + i)];
        }
    }

    @Override
    public void write(int position, float[] source, int offset, int length) {
        for (int i = 0; i < length; i++) {
            elements[index(position + i)] = source[offset + i];
        }
    }

    @Override
    public void write(int position, double[] source, int offset, int length) {
        if (contiguous()) {
            System.arraycopy(source, offset, elements, start + position, length);
            return;
        }
        for (int i = 0; i < length; i++) {
            elements[index(position + i)] = source[offset + i];
        }
    }

    @Override
    public Matrix topRows(int count) {
        if (count > rows()) {
            throw new IllegalArgumentException("There are " + rows() + " rows, not " + count);
        }
        return new DoubleMatrix(elements, start, count, columns(), stride());
    }

    @Override
    public Matrix leftColumns(int count) {
        if (count > columns()) {
            throw new IllegalArgumentException("There are " + columns() + " columns, not " + count);
        }
        return new DoubleMatrix(elements, start, rows(), count, stride());
    }

    @Override
    Matrix blockView(int row, int count, int column, int width) {
        return new DoubleMatrix(elements, start + rowStart(row) + column, count, width, stride());
    }

    @Override
    public void fill(double value) {
        for (int i = 0; i < rows(); i++) {
            for (int j = 0; j < columns(); j++) {
                elements[start + rowStart(i) + j] = value;
            }
        }
    }

    @Override
    void copy(Matrix source) {
        double[] row = new double[columns()];
        for (int i = 0; i < rows(); i++) {
            source.read(i * columns(), row, 0, columns());
            write(i * columns(), row, 0, columns());
        }
    }

    @Override
    void gemm(
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
            double beta) {
        int height = rowTo - rowFrom;
        int width = columnTo - columnFrom;
        double[] left = rowsOf((DoubleMatrix) a, transposeA, rowFrom, rowTo);
        double[] right = rowsOf((DoubleMatrix) b, !transposeB, columnFrom, columnTo);
        double[] product = new double[height * width];
        if ((long) height * width * inner <= LARGEST_IN_JAVA) {
            innerProducts(left, right, product, width, inner);
        } else {
            Numerics.singleThreaded();
            openblas.cblas_dgemm(
                    CblasRowMajor,
                    CblasNoTrans,
                    CblasTrans,
                    height,
                    width,
                    inner,
                    1,
                    left,
                    inner,
                    right,
                    inner,
                    0,
                    product,
                    width);
        }
        for (int i = 0; i < height; i++) {
            int row = start + rowStart(rowFrom + i) + columnFrom;
            for (int j = 0; j < width; j++) {
                double before = beta == 0 ? 0 : beta * elements[row + j];
                elements[row + j] = alpha * product[i * width + j] + before;
            }
        }
    }

    /** Rows [from, to) of a matrix, or of its transpose, without gaps. */
    private static double[] rowsOf(DoubleMatrix matrix, boolean transposed, int from, int to) {
        int length = transposed ? matrix.rows() : matrix.columns();
        double[] rows = new double[(to - from) * length];
        for (int i = from; i < to; i++) {
            for (int k = 0; k < length; k++) {
                int at = transposed ? matrix.rowStart(k) + i : matrix.rowStart(i) + k;
                rows[(i - from) * length + k] = matrix.elements[matrix.start + at];
            }
        }
        return rows;
    }

    private static void innerProducts(double[] left, double[] right, double[] product, int width, int inner) {
        for (int i = 0; i < product.length; i++) {
            int x = i / width * inner;
            int y = i % width * inner;
            double sum = 0;
            for (int k = 0; k < inner; k++) {
                sum += left[x + k] * right[y + k];
            }
            product[i] = sum;
        }
    }

    @Override
    void syrk(double alpha, Matrix x, boolean transposed, double beta) {
        gemm(0, rows(), 0, columns(), transposed ? x.rows() : x.columns(), alpha, x, transposed, x, !transposed, beta);
    }

    @Override
    public void mirrorUpper() {
        for (int i = 0; i < rows(); i++) {
            for (int j = 0; j < i; j++) {
                set(i, j, get(j, i));
            }
        }
    }

    @Override
    boolean symmetricEigen(double[] eigenvalues) {
        int n = rows();
        double[] vectors = packed();
        double[] ascending = new double[n];
        int info = openblas.LAPACKE_dsyevd(openblas.LAPACK_ROW_MAJOR, (byte) 'V', (byte) 'U', n, vectors, n, ascending);
        for (int j = 0; j < n; j++) {
            eigenvalues[j] = ascending[n - 1 - j];
        }
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                elements[start + i * n + j] = vectors[i * n + n - 1 - j];
            }
        }
        return info == 0 && Double.isFinite(squaredNorm());
    }

    @Override
    boolean cholesky() {
        int n = rows();
        double[] factor = packed();
        int info = openblas.LAPACKE_dpotrf(openblas.LAPACK_ROW_MAJOR, (byte) 'U', n, factor, n);
        if (info == 0) {
            info = openblas.LAPACKE_dpotri(openblas.LAPACK_ROW_MAJOR, (byte) 'U', n, factor, n);
        }
        writeRun(0, factor, n * n);
        return info == 0;
    }

    @Override
    boolean qr(int count) {
        int n = rows();
        double[] factor = packed();
        double[] reflectors = new double[count];
        int info = openblas.LAPACKE_dgeqrf(openblas.LAPACK_ROW_MAJOR, n, count, factor, n, reflectors);
        if (info == 0) {
            info = openblas.LAPACKE_dorgqr(openblas.LAPACK_ROW_MAJOR, n, n, count, factor, n, reflectors);
        }
        writeRun(0, factor, n * n);
        return info == 0 && Double.isFinite(squaredNorm());
    }

    /** A copy of a matrix without gaps that OpenBLAS may write to. */
    private double[] packed() {
        Numerics.singleThreaded();
        return Arrays.copyOfRange(elements, start, start + rows() * columns());
    }
}
