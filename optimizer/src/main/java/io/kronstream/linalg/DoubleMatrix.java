// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

/** Double precision on the heap in plain Java: the reference that tests compare with, and the second try of a refresh. */
final class DoubleMatrix extends Matrix {
    private static final int MAX_SWEEPS = 100;

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
        for (int i = rowFrom; i < rowTo; i++) {
            for (int j = columnFrom; j < columnTo; j++) {
                double sum = 0;
                for (int k = 0; k < inner; k++) {
                    sum += (transposeA ? a.get(k, i) : a.get(i, k)) * (transposeB ? b.get(j, k) : b.get(k, j));
                }
                set(i, j, alpha * sum + (beta == 0 ? 0 : beta * get(i, j)));
            }
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

    /** Cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, section 8.5). */
    @Override
    boolean symmetricEigen(double[] eigenvalues) {
        int n = rows();
        double scale = norm();
        if (!Double.isFinite(scale)) {
            return false;
        }
        double[][] a = new double[n][n];
        double[][] v = new double[n][n];
        for (int i = 0; i < n; i++) {
            v[i][i] = 1;
            for (int j = 0; j < n; j++) {
                // Scaled to norm 1, so that no square under- or overflows.
                a[i][j] = scale == 0 ? 0 : get(i, j) / scale;
            }
        }
        boolean converged = false;
        for (int sweep = 0; sweep < MAX_SWEEPS && !converged; sweep++) {
            converged = true;
            for (int p = 0; p < n; p++) {
                for (int q = p + 1; q < n; q++) {
                    if (rotate(a, v, p, q)) {
                        converged = false;
                    }
                }
            }
        }
        int[] order = Ordering.descending(n, i -> a[i][i]);
        for (int j = 0; j < n; j++) {
            eigenvalues[j] = a[order[j]][order[j]] * scale;
            for (int i = 0; i < n; i++) {
                set(i, j, v[i][order[j]]);
            }
        }
        return converged;
    }

    /** Makes a[p][q] zero; false if it already was, up to rounding. */
    private static boolean rotate(double[][] a, double[][] v, int p, int q) {
        double off = a[p][q];
        // Relative to the diagonal, so that small eigenvalues are accurate too; the second bound ends on noise.
        if (Math.abs(off) <= 1e-17 * Math.sqrt(Math.abs(a[p][p] * a[q][q])) || Math.abs(off) < 1e-20) {
            return false;
        }
        double theta = (a[q][q] - a[p][p]) / (2 * off);
        double t = Math.copySign(1, theta) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        double c = 1 / Math.sqrt(t * t + 1);
        double s = t * c;
        int n = a.length;
        for (int k = 0; k < n; k++) {
            double akp = a[k][p];
            double akq = a[k][q];
            a[k][p] = c * akp - s * akq;
            a[k][q] = s * akp + c * akq;
        }
        for (int k = 0; k < n; k++) {
            double apk = a[p][k];
            double aqk = a[q][k];
            a[p][k] = c * apk - s * aqk;
            a[q][k] = s * apk + c * aqk;
        }
        a[p][q] = 0;
        a[q][p] = 0;
        for (int k = 0; k < n; k++) {
            double vkp = v[k][p];
            double vkq = v[k][q];
            v[k][p] = c * vkp - s * vkq;
            v[k][q] = s * vkp + c * vkq;
        }
        return true;
    }

    /** Householder reflections with LAPACK's signs (Golub and Van Loan, Matrix Computations, section 5.2). */
    @Override
    boolean cholesky() {
        int n = rows();
        double[][] inverse = new double[n][n];
        double[][] lower = new double[n][n];
        for (int j = 0; j < n; j++) {
            for (int i = j; i < n; i++) {
                double sum = get(j, i);
                for (int k = 0; k < j; k++) {
                    sum -= lower[i][k] * lower[j][k];
                }
                if (i == j && !(sum > 0)) {
                    return false;
                }
                lower[i][j] = i == j ? Math.sqrt(sum) : sum / lower[j][j];
            }
        }
        // The rows of L^-1, then L^-T L^-1.
        for (int j = 0; j < n; j++) {
            inverse[j][j] = 1 / lower[j][j];
            for (int i = j + 1; i < n; i++) {
                double sum = 0;
                for (int k = j; k < i; k++) {
                    sum -= lower[i][k] * inverse[k][j];
                }
                inverse[i][j] = sum / lower[i][i];
            }
        }
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                double sum = 0;
                for (int k = j; k < n; k++) {
                    sum += inverse[k][i] * inverse[k][j];
                }
                set(i, j, sum);
            }
        }
        return true;
    }

    @Override
    boolean qr() {
        int n = rows();
        if (!Double.isFinite(squaredNorm())) {
            return false;
        }
        double[][] reflectors = new double[n][];
        double[] factors = new double[n];
        for (int k = 0; k < n; k++) {
            double[] v = new double[n];
            double scale = 0;
            for (int i = k; i < n; i++) {
                v[i] = get(i, k);
                scale = Math.max(scale, Math.abs(v[i]));
            }
            double below = 0;
            double square = 0;
            for (int i = k; i < n && scale > 0; i++) {
                v[i] /= scale;
                square += v[i] * v[i];
                below += i > k ? v[i] * v[i] : 0;
            }
            if (below > 0) {
                v[k] += Math.copySign(Math.sqrt(square), v[k]);
                factors[k] = 2 / (below + v[k] * v[k]);
                for (int j = k; j < n; j++) {
                    reflect(v, factors[k], k, j);
                }
            }
            reflectors[k] = v;
        }
        setIdentity(1);
        for (int k = n - 1; k >= 0; k--) {
            for (int j = k; j < n && factors[k] > 0; j++) {
                reflect(reflectors[k], factors[k], k, j);
            }
        }
        return true;
    }

    private void reflect(double[] v, double factor, int from, int column) {
        double sum = 0;
        for (int i = from; i < rows(); i++) {
            sum += v[i] * get(i, column);
        }
        sum *= factor;
        for (int i = from; i < rows(); i++) {
            set(i, column, get(i, column) - sum * v[i]);
        }
    }
}
