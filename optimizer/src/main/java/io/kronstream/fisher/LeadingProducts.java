// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.HashMap;
import java.util.Map;

/**
 * The two Kronecker products that are together nearest to a mini-batch's block of the Fisher matrix, both at once: the
 * first two singular triples of the rearranged Fisher matrix Z by Lanczos bidiagonalisation. Neither matrix is formed;
 * {@link NearestProduct} says what Z does to a vector.
 *
 * <p>From a unit vector v_1 (an m x m matrix), for k = 1, 2, ..., at most K:
 *
 * <pre>
 *   a_k u_k     = Z v_k   - b_(k-1) u_(k-1)        orthogonal to all earlier u
 *   b_k v_(k+1) = Z^T u_k - a_k v_k                orthogonal to all earlier v
 *   B = bidiagonal(a; b) = P diag(s) Q^T           a K x K matrix, in double precision
 *   triples  s_i, U p_i, V q_i                     residuals b_K |p_i(K)|
 *   until both residuals &lt;= tolerance s_i, else again from v_1 = V q_1 + V q_2
 * </pre>
 *
 * <p>Where the power iteration for the second product needs as many steps as the gap behind it is small, 20 to 160 from
 * nothing, a few cycles of K steps find both. A step costs {@code 4 B (m^2 + n^2)} operations and the
 * orthogonalisation {@code 8 k (m^2 + n^2)}; the vectors are scratch memory of {@code K (m^2 + n^2)} numbers.
 *
 * <p>Departures: the vectors are orthogonalised fully, twice, as those of the recursion alone lose it; the stopping test
 * is relative; the paper's pseudocode, which writes one column more than it declares, stops here after K columns.
 * Reference: Koroko et al. 2022, arXiv 2201.10285; Golub and Van Loan, Matrix Computations, section 10.4. Not
 * thread-safe: it owns scratch memory.
 */
public final class LeadingProducts implements AutoCloseable {
    /** What counts as zero beside a singular value, in units of the last place. */
    private static final double NOISE = 64;

    private final Precision precision;
    private final double tolerance;
    private final int steps;
    private final int cycles;
    private final double noise;
    private final Map<Shape, Scratch> scratch = new HashMap<>();

    private record Shape(int batch, int left, int right) {}

    /**
     * @param tolerance of the residuals, relative to their singular values
     * @param steps of a cycle, K, at least 2
     * @param cycles after which the estimate is taken as it is
     */
    public LeadingProducts(Precision precision, double tolerance, int steps, int cycles) {
        this.precision = precision;
        this.tolerance = tolerance;
        this.steps = steps;
        this.cycles = cycles;
        this.noise = NOISE * (precision == Precision.FLOAT ? 0x1p-24 : 0x1p-53);
    }

    /**
     * Finds both products. The first has factors that are positive semidefinite; the sign of the second is arbitrary. A
     * product that does not exist, because Z has a lower rank, is zero.
     *
     * @param activations abar, B x n
     * @param gradients g, B x m
     * @param left m x m; on entry an estimate of the first product's left factor, or zero; on return that factor, S
     * @param right n x n; on return R
     * @param leftSecond m x m, symmetric; on entry an estimate of the second product's left factor, or zero
     * @param rightSecond n x n; on return the second product's right factor
     * @return cycles that were needed; more than the constructor allowed if the tolerance was not reached
     */
    public int find(
            Matrix activations, Matrix gradients, Matrix left, Matrix right, Matrix leftSecond, Matrix rightSecond) {
        Scratch own = scratch.computeIfAbsent(
                new Shape(activations.rows(), gradients.columns(), activations.columns()),
                shape -> new Scratch(precision, shape, steps));
        start(own.v[0], left, leftSecond);
        for (int cycle = 1; ; cycle++) {
            if (!own.bidiagonalise(activations, gradients, noise)) {
                left.fill(0);
                right.fill(0);
                leftSecond.fill(0);
                rightSecond.fill(0);
                return cycle;
            }
            boolean converged = own.decompose(tolerance, noise);
            if (converged || cycle >= cycles) {
                own.assemble(0, left, right);
                own.assemble(1, leftSecond, rightSecond);
                return converged ? cycle : cycle + 1;
            }
            own.restart();
        }
    }

    /** {@code S / |S| + Q / |2 Q|}, which cannot vanish, with the identity and pseudo-random numbers where there is none. */
    private static void start(Matrix start, Matrix first, Matrix second) {
        if (!(first.norm() > 0)) {
            first.setIdentity(1);
        }
        if (!(second.norm() > 0)) {
            NearestProduct.fillPseudoRandom(second);
        }
        start.copyFrom(first);
        start.combine(0.5 / second.norm(), second, 1 / first.norm());
        normalise(start);
    }

    private static double normalise(Matrix vector) {
        double length = vector.norm();
        if (length > 0) {
            vector.scale(1 / length);
        }
        return length;
    }

    @Override
    public void close() {
        scratch.values().forEach(Scratch::close);
        scratch.clear();
    }

    private static final class Scratch {
        private final Matrix activations;
        private final Matrix gradients;
        private final Matrix[] v;
        private final Matrix[] u;
        private final Matrix next;
        private final double[] a;
        private final double[] b;

        /** Vectors in use. */
        private int lefts;

        private int rights;

        /** What the last v would be longer by: 0 when the space is invariant. */
        private double rest;

        private final double[] singularValues = new double[2];
        private final double[][] p = new double[2][];
        private final double[][] q = new double[2][];

        Scratch(Precision precision, Shape shape, int steps) {
            activations = Matrix.create(precision, shape.batch, shape.right);
            gradients = Matrix.create(precision, shape.batch, shape.left);
            v = new Matrix[steps];
            u = new Matrix[steps];
            for (int k = 0; k < steps; k++) {
                v[k] = Matrix.create(precision, shape.left, shape.left);
                u[k] = Matrix.create(precision, shape.right, shape.right);
            }
            next = Matrix.create(precision, shape.left, shape.left);
            a = new double[steps];
            b = new double[steps];
        }

        /** From v[0]; false if Z vanishes there. */
        boolean bidiagonalise(Matrix abar, Matrix g, double noise) {
            lefts = 0;
            rights = 0;
            double largest = 0;
            for (int k = 0; k < v.length; k++) {
                lefts = k + 1;
                NearestProduct.multiply(g, v[k], gradients, abar, activations, u[k]);
                orthogonalise(u[k], u, k);
                a[k] = normalise(u[k]);
                largest = Math.max(largest, a[k]);
                rest = 0;
                if (!(a[k] > noise * largest)) {
                    return k > 0;
                }
                rights = k + 1;
                Matrix following = k + 1 < v.length ? v[k + 1] : next;
                NearestProduct.multiply(abar, u[k], activations, g, gradients, following);
                orthogonalise(following, v, k + 1);
                b[k] = normalise(following);
                if (!(b[k] > noise * largest)) {
                    return true;
                }
                rest = b[k];
            }
            return true;
        }

        private static void orthogonalise(Matrix vector, Matrix[] basis, int count) {
            for (int pass = 0; pass < 2; pass++) {
                for (int j = 0; j < count; j++) {
                    vector.combine(-vector.dot(basis[j]), basis[j], 1);
                }
            }
        }

        /** The two largest singular triples of B; whether they are good enough. */
        boolean decompose(double tolerance, double noise) {
            int n = rights + lefts;
            double[] values = new double[n];
            boolean converged = true;
            // The eigenvalues of [0 B; B^T 0] are the singular values of B and their negatives.
            try (Matrix doubled = Matrix.create(Precision.DOUBLE, n, n)) {
                for (int k = 0; k < rights; k++) {
                    set(doubled, k, rights + k, a[k]);
                    if (k + 1 < lefts) {
                        set(doubled, k, rights + k + 1, b[k]);
                    }
                }
                doubled.eigenvectors(values);
                for (int i = 0; i < 2; i++) {
                    boolean exists = i < rights && values[i] > noise * values[0];
                    singularValues[i] = exists ? values[i] : 0;
                    p[i] = new double[rights];
                    q[i] = new double[lefts];
                    for (int k = 0; k < rights && exists; k++) {
                        p[i][k] = Math.sqrt(2) * doubled.get(k, i);
                    }
                    for (int k = 0; k < lefts && exists; k++) {
                        q[i][k] = Math.sqrt(2) * doubled.get(rights + k, i);
                    }
                    double residual = rest * Math.abs(p[i][rights - 1]);
                    converged &= residual <= tolerance * singularValues[i] || residual <= noise * singularValues[0];
                }
            }
            return converged;
        }

        private static void set(Matrix symmetric, int i, int j, double value) {
            symmetric.set(i, j, value);
            symmetric.set(j, i, value);
        }

        /** {@code v[0] = V (q_1 + q_2)}, normalised. */
        void restart() {
            double[] sum = new double[lefts];
            for (int k = 0; k < lefts; k++) {
                sum[k] = q[0][k] + q[1][k];
            }
            combine(next, v, sum);
            v[0].copyFrom(next);
            normalise(v[0]);
        }

        /** The factors of a triple, the first one's positive. */
        void assemble(int triple, Matrix left, Matrix right) {
            combine(left, v, q[triple]);
            combine(right, u, p[triple]);
            double trace = 0;
            for (int i = 0; i < right.rows(); i++) {
                trace += right.get(i, i);
            }
            double scale = (trace < 0 ? -1 : 1) * Math.sqrt(singularValues[triple]);
            left.scale(scale);
            right.scale(scale);
        }

        private static void combine(Matrix result, Matrix[] basis, double[] weights) {
            result.fill(0);
            for (int k = 0; k < weights.length; k++) {
                result.combine(weights[k], basis[k], 1);
            }
        }

        void close() {
            activations.close();
            gradients.close();
            next.close();
            for (int k = 0; k < v.length; k++) {
                v[k].close();
                u[k].close();
            }
        }
    }
}
