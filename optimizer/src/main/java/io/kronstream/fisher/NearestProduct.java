// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.HashMap;
import java.util.Map;

/**
 * The Kronecker product {@code R kron S} that is nearest, in the Frobenius norm, to a mini-batch's block of the Fisher
 * matrix {@code F = mean abar abar^T kron g g^T}, which is never formed.
 *
 * <p>It is the leading singular triple of the rearranged F, called Z, found by alternating power iteration:
 *
 * <pre>
 *   Z V   = mean (g^T V g) abar abar^T,   Z^T U = mean (abar^T U abar) g g^T
 *   U = Z V / |Z V|,   V = Z^T U / s,   s = |Z^T U|,   until |Z V - s U| &lt;= tolerance s
 *   R = sqrt(s) U,   S = sqrt(s) V
 * </pre>
 *
 * <p>From a positive semidefinite start all iterates are positive semidefinite. An iteration costs {@code 4 B (m^2 + n^2)}
 * operations.
 *
 * <p>Departure: the stopping test is relative. Reference: Koroko et al. 2022, arXiv 2201.10285, algorithm 1. Not
 * thread-safe: it owns scratch memory.
 */
public final class NearestProduct implements AutoCloseable {
    /** What counts as nothing beside the first product, in units of the last place. */
    private static final double NOISE = 64;

    /** Of the start of a second product. */
    private static final long START_SEED = 1;

    private final Precision precision;
    private final double tolerance;
    private final int iterations;
    private final double noise;
    private final Map<Shape, Scratch> scratch = new HashMap<>();

    private record Shape(int batch, int left, int right) {}

    /**
     * @param tolerance of the residual, relative to the singular value
     * @param iterations after which the estimate is taken as it is
     */
    public NearestProduct(Precision precision, double tolerance, int iterations) {
        this.precision = precision;
        this.tolerance = tolerance;
        this.iterations = iterations;
        this.noise = NOISE * (precision == Precision.FLOAT ? 0x1p-24 : 0x1p-53);
    }

    /**
     * Finds the product; its factors are zero if F is.
     *
     * @param activations abar, B x n
     * @param gradients g, B x m
     * @param left m x m; on entry the positive semidefinite start, or zero to start from the identity; on return S
     * @param right n x n; on return R
     * @return the singular value s, which is {@code |R kron S|}
     */
    public double find(Matrix activations, Matrix gradients, Matrix left, Matrix right) {
        return find(activations, gradients, null, null, left, right);
    }

    /**
     * Finds the product that is nearest to {@code F - A kron G}: with the nearest product itself as {@code A kron G}, the
     * second singular triple of Z. In general it is indefinite, and its sign is that of the start. Its factors are zero where
     * the first product leaves nothing but rounding: under a single output unit, whose Z has rank one.
     *
     * @param firstLeft G, m x m
     * @param firstRight A, n x n
     * @param left m x m; on entry the symmetric start, or zero for a fixed pseudo-random one; on return the left factor
     * @param right n x n; on return the right factor
     * @return the singular value, which is the norm of the product
     */
    public double findBeside(
            Matrix activations, Matrix gradients, Matrix firstLeft, Matrix firstRight, Matrix left, Matrix right) {
        if (!(left.norm() > 0)) {
            fillPseudoRandom(left);
        }
        return find(activations, gradients, firstLeft, firstRight, left, right);
    }

    private double find(
            Matrix activations, Matrix gradients, Matrix firstLeft, Matrix firstRight, Matrix left, Matrix right) {
        Scratch own = scratch.computeIfAbsent(
                new Shape(activations.rows(), gradients.columns(), activations.columns()),
                shape -> new Scratch(precision, shape));
        normaliseStart(left);
        multiply(gradients, left, own.gradients, activations, own.activations, right);
        subtract(firstLeft, left, firstRight, right);
        double least = firstLeft == null ? 0 : noise * firstLeft.norm() * firstRight.norm();
        double singularValue = 0;
        for (int iteration = 0; iteration < iterations; iteration++) {
            double length = right.norm();
            if (!(length > 0)) {
                left.fill(0);
                right.fill(0);
                return 0;
            }
            right.scale(1 / length);
            own.right.copyFrom(right);
            multiply(activations, right, own.activations, gradients, own.gradients, left);
            subtract(firstRight, right, firstLeft, left);
            singularValue = left.norm();
            if (!(singularValue > least)) {
                left.fill(0);
                right.fill(0);
                return 0;
            }
            left.scale(1 / singularValue);
            multiply(gradients, left, own.gradients, activations, own.activations, right);
            subtract(firstLeft, left, firstRight, right);
            own.right.combine(1, right, -singularValue);
            if (own.right.norm() <= tolerance * singularValue) {
                break;
            }
        }
        left.scale(Math.sqrt(singularValue));
        // The last product is Z V, which is s U up to the tolerance.
        right.scale(1 / Math.sqrt(singularValue));
        return singularValue;
    }

    /** {@code result = result - <inner, vector> outer}, if there is a first product. */
    private static void subtract(Matrix inner, Matrix vector, Matrix outer, Matrix result) {
        if (inner != null) {
            result.combine(-inner.dot(vector), outer, 1);
        }
    }

    static void fillPseudoRandom(Matrix start) {
        long state = START_SEED;
        for (int i = 0; i < start.rows(); i++) {
            for (int j = i; j < start.columns(); j++) {
                state = state * 6364136223846793005L + 1442695040888963407L; // Knuth's MMIX generator
                start.set(i, j, (state >>> 11) * 0x1.0p-53 - 0.5);
            }
        }
        start.mirrorUpper();
    }

    private static void normaliseStart(Matrix start) {
        double length = start.norm();
        if (length > 0) {
            start.scale(1 / length);
        } else {
            start.setIdentity(1 / Math.sqrt(start.rows()));
        }
    }

    /** {@code result = mean over examples of (x^T inner x) y y^T}, for the rows x of one matrix and y of the other. */
    static void multiply(Matrix x, Matrix inner, Matrix xScratch, Matrix y, Matrix yScratch, Matrix result) {
        xScratch.multiply(1, x, false, inner, false, 0);
        int batch = x.rows();
        double[] first = new double[Math.max(x.columns(), y.columns())];
        double[] second = new double[first.length];
        for (int row = 0; row < batch; row++) {
            x.read(row * x.columns(), first, 0, x.columns());
            xScratch.read(row * x.columns(), second, 0, x.columns());
            double weight = 0;
            for (int j = 0; j < x.columns(); j++) {
                weight += first[j] * second[j];
            }
            y.read(row * y.columns(), first, 0, y.columns());
            for (int j = 0; j < y.columns(); j++) {
                first[j] *= weight;
            }
            yScratch.write(row * y.columns(), first, 0, y.columns());
        }
        result.multiplySymmetric(1.0 / batch, y, true, yScratch, false, 0);
    }

    @Override
    public void close() {
        scratch.values().forEach(Scratch::close);
        scratch.clear();
    }

    private static final class Scratch {
        final Matrix activations;
        final Matrix gradients;
        final Matrix right;

        Scratch(Precision precision, Shape shape) {
            activations = Matrix.create(precision, shape.batch, shape.right);
            gradients = Matrix.create(precision, shape.batch, shape.left);
            right = Matrix.create(precision, shape.right, shape.right);
        }

        void close() {
            activations.close();
            gradients.close();
            right.close();
        }
    }
}
