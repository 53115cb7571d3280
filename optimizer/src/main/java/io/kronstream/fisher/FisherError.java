// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.ArrayList;
import java.util.List;

/**
 * How far a sum of Kronecker products {@code H = sum A_i kron G_i} is from a mini-batch's block of the Fisher matrix {@code
 * F = mean abar abar^T kron g g^T}.
 *
 * <pre>
 *   Error 1 = |F - H| / |F|                                  Frobenius norms
 *   Error 2 = |spec(F) - spec(H)| / |spec(F)|                eigenvalues in descending order
 * </pre>
 *
 * <p>Error 1 does not form F: {@code |F|^2 = mean_tu (abar_t . abar_u)^2 (g_t . g_u)^2}, {@code <F, A kron G> = mean_t
 * (abar_t^T A abar_t) (g_t^T G g_t)} and {@code <A kron G, C kron D> = <A, C> <G, D>}; it costs {@code B^2 (m + n) + B (m^2
 * + n^2)} operations. Error 2 does, so it is for small layers: its cost grows with {@code (mn)^3}.
 *
 * <p>Reference: Koroko et al. 2022, arXiv 2201.10285, whose two measures they are.
 */
public final class FisherError {
    /** Most entries of a layer whose F is formed: 1024^2 numbers in double precision. */
    private static final int LARGEST_FORMED = 1024;

    private FisherError() {}

    /**
     * {@code right kron left}, a term of the approximation.
     *
     * @param right A, n x n
     * @param left G, m x m
     */
    public record Product(Matrix right, Matrix left) {}

    /**
     * Error 1, in double precision; NaN if F is zero.
     *
     * @param activations abar, B x n
     * @param gradients g, B x m
     */
    public static double relative(Matrix activations, Matrix gradients, List<Product> approximation) {
        double[][] abar = rows(activations);
        double[][] g = rows(gradients);
        double batch = abar.length;
        double square = 0;
        for (int t = 0; t < abar.length; t++) {
            for (int u = 0; u < abar.length; u++) {
                double a = dot(abar[t], abar[u]);
                double b = dot(g[t], g[u]);
                square += a * a * (b * b) / (batch * batch);
            }
        }
        double difference = square;
        for (Product product : approximation) {
            double[][] a = rows(product.right);
            double[][] b = rows(product.left);
            for (int t = 0; t < abar.length; t++) {
                difference -= 2 * form(a, abar[t]) * form(b, g[t]) / batch;
            }
            for (Product other : approximation) {
                difference += dot(a, rows(other.right)) * dot(b, rows(other.left));
            }
        }
        return Math.sqrt(Math.max(0, difference) / square);
    }

    /**
     * Error 2, in double precision; NaN if F is zero.
     *
     * @throws IllegalArgumentException if the layer has more than {@value #LARGEST_FORMED} parameters
     */
    public static double spectral(Matrix activations, Matrix gradients, List<Product> approximation) {
        int n = activations.columns();
        int m = gradients.columns();
        if ((long) m * n > LARGEST_FORMED) {
            throw new IllegalArgumentException("The eigenvalues of a Fisher matrix are compared for layers of at most "
                    + LARGEST_FORMED + " parameters, this one has " + (long) m * n);
        }
        List<Product> examples = new ArrayList<>();
        double[][] abar = rows(activations);
        double[][] g = rows(gradients);
        for (int t = 0; t < abar.length; t++) {
            examples.add(new Product(outer(abar[t], 1.0 / abar.length), outer(g[t], 1)));
        }
        double[] exact = spectrum(examples, m, n);
        double[] approximate = spectrum(approximation, m, n);
        double difference = 0;
        for (int i = 0; i < exact.length; i++) {
            difference += (exact[i] - approximate[i]) * (exact[i] - approximate[i]);
        }
        return Math.sqrt(difference / dot(exact, exact));
    }

    private static double[] spectrum(List<Product> sum, int m, int n) {
        double[][] total = new double[m * n][m * n];
        for (Product product : sum) {
            double[][] a = rows(product.right);
            double[][] b = rows(product.left);
            for (int row = 0; row < m * n; row++) {
                for (int column = 0; column < m * n; column++) {
                    total[row][column] += a[row / m][column / m] * b[row % m][column % m];
                }
            }
        }
        double[] eigenvalues = new double[m * n];
        try (Matrix dense = Matrix.create(Precision.DOUBLE, m * n, m * n)) {
            for (int row = 0; row < m * n; row++) {
                dense.write(row * m * n, total[row], 0, m * n);
            }
            dense.eigenvectors(eigenvalues);
        }
        return eigenvalues;
    }

    private static Matrix outer(double[] x, double scale) {
        Matrix outer = Matrix.create(Precision.DOUBLE, x.length, x.length);
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < x.length; j++) {
                outer.set(i, j, scale * x[i] * x[j]);
            }
        }
        return outer;
    }

    private static double[][] rows(Matrix matrix) {
        double[][] rows = new double[matrix.rows()][matrix.columns()];
        for (int i = 0; i < rows.length; i++) {
            matrix.read(i * matrix.columns(), rows[i], 0, matrix.columns());
        }
        return rows;
    }

    /** {@code x^T A x}. */
    private static double form(double[][] a, double[] x) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * dot(a[i], x);
        }
        return sum;
    }

    private static double dot(double[][] a, double[][] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += dot(a[i], b[i]);
        }
        return sum;
    }

    private static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }
}
