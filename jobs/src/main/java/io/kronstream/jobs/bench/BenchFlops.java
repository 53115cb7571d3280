// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import io.kronstream.network.LayerShape;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The fewest floating-point operations that a method needs: those of its matrix products and decompositions, a
 * multiplication and an addition being two. Elementwise work is of lower order and not counted.
 *
 * <p>For a layer with parameters {@code [W | b]} of m x n, its bias being the n-th column, and a mini-batch of B, with G =
 * S^T A / B for the derivatives S (B x m) and the augmented inputs A (B x n):
 *
 * <pre>
 *   forward                              2Bmn
 *   derivatives of the layer before      2Bm(n - 1), none for the first layer
 *   G                                    2Bmn
 *
 *   X G Y, X m x m and Y n x n
 *     from G                             2mn(m + n)
 *     from S and A, G not needed         2Bmn + 2m^2 min(n, B) + 2n^2 min(m, B)
 *   rotation back                        2mn(m + n)
 *   factors of SOAP and Shampoo
 *                       from G           m^2 n + mn^2
 *                       from S and A     for L: B^2 n + 2B^2 m + Bm^2, for R: B^2 m + 2B^2 n + Bn^2
 *   DyKAF's factors     from G           3mn(m + n)
 *                       from S and A     for L: 2Bn^2 + B^2 n + 2B^2 m + Bm^2, for R the same with m and n exchanged
 *   K-FAC's factors                      Bm^2 + Bn^2
 *   KPSVD's factors                      5Bm^2 + 4Bn^2, one power iteration
 *   factors of deflation                 10Bm^2 + 8Bn^2, one iteration for each product
 *   factors of the corrected K-FAC       6Bm^2 + 5Bn^2, K-FAC's and one iteration
 *   factors of Lanczos                   6Bm^2 + 6Bn^2, two steps
 *   sampled targets (K-FAC, KPSVD)       2Bm(n - 1), none for the first layer
 *   AdaHessian's product with the Hessian  8Bmn + 4Bm(n - 1), in the first layer 4Bmn
 *   {@literal <U, G>} without G (K-FAC, KPSVD)      2B^2(m + n)
 *
 *   refresh of a side s beside t
 *     QR iteration (SOAP, DyKAF)         2s^3 + 8/3 s^3, and the momentum's new basis min(2s^3 + 2s^2 t, 4s^2 t)
 *     inverse (K-FAC, KPSVD)             s^3
 *     two products (deflation, Lanczos, corrected K-FAC)  43/3 s^3: two eigendecompositions, products 5 s^3
 *     fourth root (Shampoo)              17/3 s^3: tridiagonal form 4/3, its eigenvectors 4/3, back 2, the product 1
 * </pre>
 *
 * <p>Shampoo needs G for its second moment, and preconditions a momentum, which has no thin factors. Layers with a side
 * above 1024 are counted in the blocks that it cuts them into.
 *
 * <p>Symmetric results are counted as half a product. The other methods need products for the gradient alone.
 */
public final class BenchFlops {
    private static final Map<String, Method> METHODS = Map.of(
            "dykaf",
            new DyKAF(),
            "soap",
            new SOAP(),
            "shampoo",
            new Shampoo(),
            "kfac",
            new Inverses(1, 1),
            "kpsvd",
            new Inverses(5, 4),
            "deflation",
            new TwoProducts(10, 8),
            "lanczos",
            new TwoProducts(6, 6),
            "kfac-corrected",
            new TwoProducts(6, 5),
            "adahessian",
            new AdaHessian());

    /** Those without matrix products of their own. */
    private static final Set<String> GRADIENT_ALONE = Set.of(
            "eva",
            "adam",
            "adamw",
            "adafactor",
            "adafisher",
            "adafisher-code",
            "adafisherw",
            "adafisherw-code",
            "adagrad",
            "ftrl",
            "sgd",
            "nesterov");

    private static final Method NOTHING_MORE = new Method() {};

    private BenchFlops() {}

    /** Forward and backward pass of a network. */
    public static double gradient(List<LayerShape> shapes, int batch) {
        double sum = 0;
        for (int layer = 0; layer < shapes.size(); layer++) {
            double m = shapes.get(layer).rows();
            double n = shapes.get(layer).columns();
            sum += 4 * batch * m * n + (layer > 0 ? propagation(m, n, batch) : 0);
        }
        return sum;
    }

    /** What an optimizer with default knobs needs beyond the gradient, in a step without refresh. */
    public static double optimizer(String optimizer, List<LayerShape> shapes, int batch) {
        Method method = method(optimizer);
        double sum = 0;
        for (int layer = 0; layer < shapes.size(); layer++) {
            double m = shapes.get(layer).rows();
            double n = shapes.get(layer).columns();
            sum += method.step(m, n, batch) + (layer > 0 && method.samples() ? propagation(m, n, batch) : 0);
            if (method.hessian()) {
                sum += layer > 0 ? 8 * batch * m * n + 2 * propagation(m, n, batch) : 4 * batch * m * n;
            }
        }
        return sum;
    }

    /** What the refreshes of all layers need, once in a refresh interval, without installing them. */
    public static double refresh(String optimizer, List<LayerShape> shapes) {
        Method method = method(optimizer);
        return shapes.stream()
                .mapToDouble(shape ->
                        method.refresh(shape.rows(), shape.columns()) + method.refresh(shape.columns(), shape.rows()))
                .sum();
    }

    /** What installing the refreshes of all layers needs, once in a refresh interval. */
    public static double install(String optimizer, List<LayerShape> shapes) {
        Method method = method(optimizer);
        return shapes.stream()
                .mapToDouble(shape ->
                        method.install(shape.rows(), shape.columns()) + method.install(shape.columns(), shape.rows()))
                .sum();
    }

    /** Whether the operations of an optimizer of this name can be told. */
    public static boolean knows(String optimizer) {
        return METHODS.containsKey(optimizer) || GRADIENT_ALONE.contains(optimizer);
    }

    private static Method method(String optimizer) {
        if (!knows(optimizer)) {
            throw new IllegalArgumentException("The operations of '" + optimizer + "' are not known");
        }
        return METHODS.getOrDefault(optimizer, NOTHING_MORE);
    }

    private static double propagation(double m, double n, double batch) {
        return 2 * batch * m * (n - 1);
    }

    /** {@code X G Y} from G. */
    private static double dense(double m, double n) {
        return 2 * m * n * (m + n);
    }

    /** {@code X G Y} from the thin factors. */
    private static double thin(double m, double n, double batch) {
        return 2 * batch * m * n + 2 * m * m * Math.min(n, batch) + 2 * n * n * Math.min(m, batch);
    }

    /** What a method needs of a layer, G's own product aside. */
    private interface Method {
        default double step(double m, double n, double batch) {
            return 0;
        }

        default double refresh(double side, double other) {
            return 0;
        }

        default double install(double side, double other) {
            return 0;
        }

        /** Whether it needs a second backward pass. */
        default boolean samples() {
            return false;
        }

        /** Whether it needs a product with the Hessian. */
        default boolean hessian() {
            return false;
        }
    }

    private static final class AdaHessian implements Method {
        @Override
        public boolean hessian() {
            return true;
        }
    }

    /** Rotation there and back, and factors that follow the gradient. */
    private abstract static class Eigenbases implements Method {
        /** The factor of side m from G. */
        abstract double factor(double m, double n);

        /** The factor of side m from the thin factors. */
        abstract double thinFactor(double m, double n, double batch);

        @Override
        public final double step(double m, double n, double batch) {
            double withGradient = Math.min(dense(m, n), thin(m, n, batch))
                    + Math.min(factor(m, n), thinFactor(m, n, batch))
                    + Math.min(factor(n, m), thinFactor(n, m, batch));
            double without = thin(m, n, batch) + thinFactor(m, n, batch) + thinFactor(n, m, batch) - 2 * batch * m * n;
            return Math.min(withGradient, without) + dense(m, n);
        }

        @Override
        public final double refresh(double side, double other) {
            return side == 1 ? 0 : 14 * side * side * side / 3;
        }

        @Override
        public final double install(double side, double other) {
            double square = side * side;
            return side == 1 ? 0 : Math.min(2 * square * side + 2 * square * other, 4 * square * other);
        }
    }

    private static final class SOAP extends Eigenbases {
        @Override
        double factor(double m, double n) {
            return m * m * n;
        }

        @Override
        double thinFactor(double m, double n, double batch) {
            return batch * batch * (n + 2 * m) + batch * m * m;
        }
    }

    private static final class DyKAF extends Eigenbases {
        @Override
        double factor(double m, double n) {
            return 2 * m * n * n + m * m * n;
        }

        @Override
        double thinFactor(double m, double n, double batch) {
            return 2 * batch * n * n + batch * batch * (n + 2 * m) + batch * m * m;
        }
    }

    /** A momentum between two roots, of the factors that SOAP has, block by block. */
    private static final class Shampoo implements Method {
        /** The default of its knob {@code block-size}. */
        private static final int BLOCK_SIZE = 1024;

        private final SOAP soap = new SOAP();

        @Override
        public double step(double m, double n, double batch) {
            double down = blocks(m);
            double across = blocks(n);
            return down * across * ofBlock(m / down, n / across, batch);
        }

        private double ofBlock(double m, double n, double batch) {
            return dense(m, n)
                    + Math.min(soap.factor(m, n), soap.thinFactor(m, n, batch))
                    + Math.min(soap.factor(n, m), soap.thinFactor(n, m, batch));
        }

        @Override
        public double refresh(double side, double other) {
            double blocks = blocks(side);
            double size = side / blocks;
            return blocks * blocks(other) * 17 * size * size * size / 3;
        }

        private static double blocks(double side) {
            return Math.ceil(side / BLOCK_SIZE);
        }
    }

    /** The gradient between the inverses of two factors, which follow the thin factors at these multiples of Bm^2 and Bn^2. */
    private record Inverses(double left, double right) implements Method {
        @Override
        public double step(double m, double n, double batch) {
            double withGradient = Math.min(dense(m, n), thin(m, n, batch));
            double without = thin(m, n, batch) + 2 * batch * batch * (m + n) - 2 * batch * m * n;
            return Math.min(withGradient, without) + left * batch * m * m + right * batch * n * n;
        }

        @Override
        public double refresh(double side, double other) {
            return side * side * side;
        }

        @Override
        public boolean samples() {
            return true;
        }
    }

    /** The gradient in the bases of two sums of products there and back; the factors as those of {@link Inverses}. */
    private record TwoProducts(double left, double right) implements Method {
        @Override
        public double step(double m, double n, double batch) {
            double there = Math.min(dense(m, n), thin(m, n, batch) - 2 * batch * m * n);
            return there + dense(m, n) + left * batch * m * m + right * batch * n * n;
        }

        /** Two eigendecompositions, each 14/3 s^3, and the products between them: 2, 1 and 2 s^3. */
        @Override
        public double refresh(double side, double other) {
            return 43 * side * side * side / 3;
        }

        @Override
        public boolean samples() {
            return true;
        }
    }
}
