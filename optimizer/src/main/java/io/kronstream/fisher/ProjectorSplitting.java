// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import java.util.HashMap;
import java.util.Map;

/**
 * Keeps {@code L kron R} close to the decayed empirical Fisher matrix {@code F = b F + (1 - b) vec(G) vec(G)^T} by one
 * step of a rank-one integrator on the rearranged F, without ever forming F.
 *
 * <p>With {@code U0 = L/|L|, V0 = R/|R|, s0 = b |L| |R|, H = sqrt(1 - b) G}:
 *
 * <pre>
 *   K:  K = s0 U0 + H V0 H^T,   U1 = K/|K|
 *   sequential:  s = s0 &lt;U0, U1&gt;,  P = s V0 + H^T U1 H,   s1 = |P|,  V1 = P/s1
 *   old left:    s = s0 &lt;U0, U1&gt;,  P = s V0 + H^T U0 H,   s1 = |P|,  V1 = P/s1
 *   parallel:    P = s0 V0 + H^T U0 H,  V1 = P/|P|,
 *                s1 = s0 &lt;U0, U1&gt; &lt;V0, V1&gt; + &lt;U1, H V1 H^T&gt;
 *   L = sqrt(s1) U1,   R = sqrt(s1) V1
 * </pre>
 *
 * <p>Every term is positive semidefinite if L and R are, and no difference is taken, so they stay so. Departures: all is
 * scaled by the larger of {@code s0} and {@code |H|^2}, so that no intermediate leaves the range of a float; results are
 * exactly symmetric; a gradient whose norm is below 1e-32 counts as zero, and shrinks L and R only while that cannot
 * underflow.
 *
 * <p>Reference: Lubich and Oseledets 2014 (sequential); Ceruti and Lubich 2022 (parallel); DyKAF, arXiv 2511.06477, whose
 * authors' {@code dykaf.py} has the parallel form and {@code dykaf_with_parallel_proj_split.py} the old-left form. Not
 * thread-safe: it owns scratch memory.
 */
public final class ProjectorSplitting implements AutoCloseable {
    /** Gradients with a smaller norm count as zero: their factors' entries would be denormal. */
    public static final double SMALLEST_GRADIENT = 1e-32;

    private static final double SMALLEST_FACTOR = 1e-30;

    private enum Form {
        SEQUENTIAL,
        OLD_LEFT,
        PARALLEL
    }

    private final Form form;
    private final Precision precision;
    private final GradientProducts products;
    private final Map<Long, Scratch> scratch = new HashMap<>();

    private ProjectorSplitting(Form form, Precision precision) {
        this.form = form;
        this.precision = precision;
        this.products = new GradientProducts(precision);
    }

    /** The L step sees the new left factor; 4mn(m + n) operations. */
    public static ProjectorSplitting sequential(Precision precision) {
        return new ProjectorSplitting(Form.SEQUENTIAL, precision);
    }

    /** The L step sees the old left factor; 4mn(m + n) operations, and the least accurate of the three. */
    public static ProjectorSplitting sequentialOldLeft(Precision precision) {
        return new ProjectorSplitting(Form.OLD_LEFT, precision);
    }

    /** Both factors at once, then a Galerkin step; 6mn(m + n) operations. */
    public static ProjectorSplitting parallel(Precision precision) {
        return new ProjectorSplitting(Form.PARALLEL, precision);
    }

    /**
     * Takes the factors through one gradient.
     *
     * @param left L, m x m, symmetric, not zero; changed in place
     * @param right R, n x n, symmetric, not zero; changed in place
     * @param gradient G, m x n
     * @param decay b, in [0, 1)
     */
    public void follow(Matrix left, Matrix right, LayerGradient gradient, double decay) {
        double leftNorm = left.norm();
        double rightNorm = right.norm();
        double size = gradient.norm();
        if (size < SMALLEST_GRADIENT) {
            if (Math.min(leftNorm, rightNorm) > SMALLEST_FACTOR) {
                left.scale(Math.sqrt(decay));
                right.scale(Math.sqrt(decay));
            }
            return;
        }
        double kept = decay * leftNorm * rightNorm;
        double added = (1 - decay) * size * size;
        double scale = Math.max(kept, added);
        double s0 = kept / scale;
        double h = added / scale;

        Scratch own = scratch(gradient.rows(), gradient.columns());
        products.leftMoment(1 / rightNorm, 1 / size, gradient, right, own.left, 0);
        double leftOverlap = left.dot(own.left) / leftNorm;
        double k = lengthOfSum(s0, h, leftOverlap, own.left);
        double leftAgreement = (s0 + h * leftOverlap) / k;

        if (form == Form.SEQUENTIAL) {
            left.combine(h / k, own.left, s0 / (k * leftNorm));
            products.rightMoment(1, 1 / size, gradient, left, own.right, 0);
        } else {
            products.rightMoment(1 / leftNorm, 1 / size, gradient, left, own.right, 0);
            left.combine(h / k, own.left, s0 / (k * leftNorm));
        }
        double s = form == Form.PARALLEL ? s0 : s0 * leftAgreement;
        double rightOverlap = right.dot(own.right) / rightNorm;
        double p = lengthOfSum(s, h, rightOverlap, own.right);
        right.combine(h / p, own.right, s / (p * rightNorm));

        double s1 = p;
        if (form == Form.PARALLEL) {
            double rightAgreement = (s0 + h * rightOverlap) / p;
            products.leftMoment(1, 1 / size, gradient, right, own.left, 0);
            s1 = s0 * leftAgreement * rightAgreement + h * left.dot(own.left);
        }
        double root = Math.sqrt(scale * s1);
        left.scale(root);
        right.scale(root);
    }

    /** {@code |a X + b Y|} for X of norm 1. */
    private static double lengthOfSum(double a, double b, double overlap, Matrix y) {
        return Math.sqrt(a * a + 2 * a * b * overlap + b * b * y.squaredNorm());
    }

    private Scratch scratch(int rows, int columns) {
        return scratch.computeIfAbsent((long) rows << 32 | columns, key -> new Scratch(precision, rows, columns));
    }

    @Override
    public void close() {
        products.close();
        scratch.values().forEach(Scratch::close);
        scratch.clear();
    }

    private static final class Scratch {
        final Matrix left;
        final Matrix right;

        Scratch(Precision precision, int rows, int columns) {
            left = Matrix.create(precision, rows, rows);
            right = Matrix.create(precision, columns, columns);
        }

        void close() {
            left.close();
            right.close();
        }
    }
}
