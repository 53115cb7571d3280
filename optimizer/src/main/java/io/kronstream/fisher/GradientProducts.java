// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.SquareScratch;
import io.kronstream.linalg.Stopwatch;
import io.kronstream.linalg.Stopwatch.Work;
import io.kronstream.network.LayerGradient;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Products with a layer's gradient {@code G = S^T A / B}, each from G or from its thin factors S (B x m) and A (B x n),
 * whichever needs fewer operations. Where the mini-batch is smaller than the layer, G itself need then not be formed.
 * The choice depends on the shapes alone.
 *
 * <pre>
 *                 from G         from S and A
 *   X^T G Y       2mn(m + n)     (S X)^T (A Y) / B: 2Bm^2 + 2Bn^2 + 2Bmn
 *   G Y G^T       2mn^2 + m^2 n  S^T (A Y A^T) S / B^2: 2Bn^2 + B^2 n + 2B^2 m + Bm^2
 *   G G^T         m^2 n          S^T (A A^T) S / B^2: B^2 n + 2B^2 m + Bm^2
 * </pre>
 *
 * <p>Not thread-safe: it owns scratch memory.
 */
public final class GradientProducts implements AutoCloseable {
    /** Thin matrices are multiplied more slowly than square ones: they must save this share of the operations. */
    private static final double WORTHWHILE = 0.85;

    /** Scales up to it are applied to a product at once; larger ones in two parts. */
    private static final double LARGEST_SCALE = 1e30;

    private final Precision precision;
    private final Map<Long, Matrix> dense = new HashMap<>();

    /** By columns: of the side of the outputs and of the inputs. */
    private final List<Map<Integer, Matrix>> thin = List.of(new HashMap<>(), new HashMap<>());

    private final SquareScratch gramOfOutputs;
    private final SquareScratch gramOfInputs;

    public GradientProducts(Precision precision) {
        this.precision = precision;
        this.gramOfOutputs = new SquareScratch(precision);
        this.gramOfInputs = new SquareScratch(precision);
    }

    /** {@code result = left^T G right}, m x n, for left m x m and right n x n. */
    public void between(Matrix left, LayerGradient gradient, Matrix right, Matrix result) {
        Work before = Stopwatch.enter(Work.ROTATION);
        if (betweenIsThin(gradient)) {
            thinBetween(left, gradient, right, false, result);
        } else {
            Matrix product = dense(result.rows(), result.columns());
            product.multiply(1, gradient.gradient(), false, right, false, 0);
            result.multiply(1, left, true, product, false, 0);
        }
        Stopwatch.leave(before);
    }

    /** As {@link #between}, for symmetric matrices; returns the inner product of the result and G. */
    public double betweenWithDot(Matrix left, LayerGradient gradient, Matrix right, Matrix result) {
        if (!betweenIsThin(gradient)) {
            between(left, gradient, right, result);
            return result.dot(gradient.gradient());
        }
        Work before = Stopwatch.enter(Work.ROTATION);
        Factors thin = thinBetween(left, gradient, right, true, result);
        int batch = gradient.batch();
        Matrix outputs = gramOfOutputs.ofSize(batch);
        Matrix inputs = gramOfInputs.ofSize(batch);
        // <P^T Q, S^T A> = <P S^T, Q A^T>
        outputs.multiply(1.0 / batch, thin.outputs, false, gradient.preActivationGradients(), true, 0);
        inputs.multiply(1.0 / batch, thin.inputs, false, gradient.activations(), true, 0);
        double dot = outputs.dot(inputs);
        Stopwatch.leave(before);
        return dot;
    }

    /** {@code result = alpha left middle right^T + beta result}, for left m x m, middle m x n and right n x n. */
    public void around(double alpha, Matrix left, Matrix middle, Matrix right, Matrix result, double beta) {
        Work before = Stopwatch.enter(Work.ROTATION);
        Matrix product = dense(middle.rows(), middle.columns());
        product.multiply(1, left, false, middle, false, 0);
        result.multiply(alpha, product, false, right, true, beta);
        Stopwatch.leave(before);
    }

    private record Factors(Matrix outputs, Matrix inputs) {}

    /** With symmetric matrices, it is their transposes that are multiplied by: a low product is faster so. */
    private Factors thinBetween(Matrix left, LayerGradient gradient, Matrix right, boolean symmetric, Matrix result) {
        int batch = gradient.batch();
        Matrix outputs = thin(0, batch, result.rows());
        Matrix inputs = thin(1, batch, result.columns());
        outputs.multiply(1, gradient.preActivationGradients(), false, left, symmetric, 0);
        inputs.multiply(1, gradient.activations(), false, right, symmetric, 0);
        result.multiply(1.0 / batch, outputs, true, inputs, false, 0);
        return new Factors(outputs, inputs);
    }

    /**
     * {@code result = alpha c^2 G Y G^T + beta result}, m x m, exactly symmetric.
     *
     * @param c applied to each G, so that no intermediate leaves the range of a float
     * @param middle symmetric, n x n; null for the unit matrix
     */
    public void leftMoment(double alpha, double c, LayerGradient gradient, Matrix middle, Matrix result, double beta) {
        Work before = Stopwatch.enter(Work.FACTORS);
        moment(alpha, c, gradient, false, middle, result, beta);
        Stopwatch.leave(before);
    }

    /** {@code result = alpha c^2 G^T X G + beta result}, n x n, as {@link #leftMoment}. */
    public void rightMoment(double alpha, double c, LayerGradient gradient, Matrix middle, Matrix result, double beta) {
        Work before = Stopwatch.enter(Work.FACTORS);
        moment(alpha, c, gradient, true, middle, result, beta);
        Stopwatch.leave(before);
    }

    private void moment(
            double alpha,
            double c,
            LayerGradient gradient,
            boolean transposed,
            Matrix middle,
            Matrix result,
            double beta) {
        int rows = gradient.rows();
        int columns = gradient.columns();
        int side = transposed ? columns : rows;
        int other = transposed ? rows : columns;
        if (!momentIsThin(gradient, side, other, middle != null)) {
            if (middle == null) {
                result.addGram(alpha * c * c, gradient.gradient(), transposed, beta);
                return;
            }
            Matrix product = dense(rows, columns);
            if (transposed) {
                product.multiply(alpha, middle, false, gradient.gradient(), false, 0);
            } else {
                product.multiply(alpha, gradient.gradient(), false, middle, false, 0);
            }
            double rest = c * c;
            if (rest < 1 / LARGEST_SCALE || rest > LARGEST_SCALE) {
                product.scale(c);
                rest = c;
            }
            result.multiplySymmetric(rest, product, transposed, gradient.gradient(), !transposed, beta);
            return;
        }
        Matrix outer = transposed ? gradient.activations() : gradient.preActivationGradients();
        Matrix inner = transposed ? gradient.preActivationGradients() : gradient.activations();
        int batch = gradient.batch();
        double scale = c / batch;
        Matrix core = gramOfInputs.ofSize(batch);
        if (middle == null) {
            core.addGram(alpha * scale, inner, false, 0);
        } else {
            Matrix product = thin(transposed ? 0 : 1, batch, other);
            product.multiply(alpha, inner, false, middle, true, 0); // symmetric, and faster so
            core.multiplySymmetric(scale, product, false, inner, true, 0);
        }
        Matrix product = thin(transposed ? 1 : 0, batch, side);
        product.multiply(1, core, false, outer, false, 0);
        result.multiplySymmetric(scale, product, true, outer, false, beta);
    }

    private static boolean betweenIsThin(LayerGradient gradient) {
        if (!gradient.hasSoundFactors()) {
            return false;
        }
        double m = gradient.rows();
        double n = gradient.columns();
        double batch = gradient.batch();
        return batch * (m * m + n * n + m * n) < WORTHWHILE * (m * n * (m + n) + pending(gradient));
    }

    private static boolean momentIsThin(LayerGradient gradient, double side, double other, boolean middle) {
        if (!gradient.hasSoundFactors()) {
            return false;
        }
        double batch = gradient.batch();
        double dense = side * side * other / 2 + (middle ? side * other * other : 0);
        double thin =
                batch * batch * (other / 2 + side) + batch * side * side / 2 + (middle ? batch * other * other : 0);
        return thin < WORTHWHILE * (dense + pending(gradient));
    }

    /** Half the operations that are left for forming G. */
    private static double pending(LayerGradient gradient) {
        return gradient.isFormed() ? 0 : (double) gradient.batch() * gradient.rows() * gradient.columns();
    }

    private Matrix dense(int rows, int columns) {
        return dense.computeIfAbsent((long) rows << 32 | columns, absent -> Matrix.create(precision, rows, columns));
    }

    /** A view of as many rows as the mini-batch has, of memory that is as large as the largest so far. */
    private Matrix thin(int use, int rows, int columns) {
        Matrix memory = thin.get(use).get(columns);
        if (memory == null || memory.rows() < rows) {
            if (memory != null) {
                memory.close();
            }
            memory = Matrix.create(precision, rows, columns);
            thin.get(use).put(columns, memory);
        }
        return memory.rows() == rows ? memory : memory.topRows(rows);
    }

    @Override
    public void close() {
        dense.values().forEach(Matrix::close);
        dense.clear();
        for (Map<Integer, Matrix> use : thin) {
            use.values().forEach(Matrix::close);
            use.clear();
        }
        gramOfOutputs.close();
        gramOfInputs.close();
    }
}
