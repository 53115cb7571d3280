// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.ArrayList;
import java.util.List;

/**
 * The exact product of a mini-batch's Hessian with a direction, forward over reverse: the derivative, along the direction,
 * of every quantity of the forward and the backward pass. With a dot for that derivative, V for the direction and delta for
 * the derivatives of the un-averaged loss with respect to pre-activations, layer by layer:
 *
 * <pre>
 *   z = a W^T                     z' = a' W^T + a V^T                      a' = 0 at the inputs
 *   a = f(s)                      a' = f'(s) s'
 *   delta_L = dLoss/dz            delta_L' = (d2Loss/dz2) z'
 *   G = delta^T a / B             HV = (delta'^T a + delta^T a') / B
 *   d = delta W                   d' = delta' W + delta V
 *   delta = f'(s) d               delta' = f'(s) d' + f''(s) s' d
 * </pre>
 *
 * <p>Layer norms likewise. Embedding tables are constants: they have no direction and no product. It costs about twice
 * what a forward and a backward pass cost. Where relu bends, its second derivative counts as 0.
 *
 * <p>Reference: Pearlmutter 1994, "Fast exact multiplication by the Hessian".
 */
final class HessianProduct implements AutoCloseable {
    private final List<LayerShape> shapes;
    private final Chain[] chains;
    private final Loss loss;

    /** Of the dense layers, then of the norms, from the input on. */
    private final List<Matrix> directions = new ArrayList<>();

    private final List<Matrix> products = new ArrayList<>();

    /** a' of each dense layer, maxBatch x (n + 1); the last column stays zero. */
    private final Matrix[] inputs;

    /** What came into each link of each chain, dotted. */
    private final Matrix[][] linkInputs;

    private final Matrix[] deltas;
    private final Matrix[] backward;
    private final Matrix entryDeltas;
    private final Matrix outputs;

    HessianProduct(
            Precision precision,
            List<LayerShape> shapes,
            List<LayerShape> norms,
            Chain[] chains,
            Loss loss,
            int maxBatch) {
        this.shapes = shapes;
        this.chains = chains;
        this.loss = loss;
        int depth = shapes.size();
        this.inputs = new Matrix[depth];
        this.linkInputs = new Matrix[depth][];
        this.deltas = new Matrix[depth];
        this.backward = new Matrix[depth];
        for (int i = 0; i < depth; i++) {
            LayerShape shape = shapes.get(i);
            declare(precision, shape);
            inputs[i] = Matrix.create(precision, maxBatch, shape.columns());
            deltas[i] = Matrix.create(precision, maxBatch, shape.rows());
            backward[i] = Matrix.create(precision, maxBatch, shape.columns() - 1);
            linkInputs[i] = new Matrix[chains[i].size()];
            for (int j = 0; j < linkInputs[i].length; j++) {
                linkInputs[i][j] = Matrix.create(precision, maxBatch, shape.columns() - 1);
            }
        }
        norms.forEach(shape -> declare(precision, shape));
        this.entryDeltas = Matrix.create(precision, maxBatch, shapes.get(0).columns() - 1);
        this.outputs = Matrix.create(precision, maxBatch, shapes.get(depth - 1).rows());
    }

    private void declare(Precision precision, LayerShape shape) {
        directions.add(Matrix.create(precision, shape.rows(), shape.columns()));
        products.add(Matrix.create(precision, shape.rows(), shape.columns()));
    }

    /** Sets the direction: each entry 1 or -1, drawn layer by layer, row by row. */
    void draw(Noise noise) {
        for (Matrix direction : directions) {
            for (int i = 0; i < direction.rows(); i++) {
                for (int j = 0; j < direction.columns(); j++) {
                    direction.set(i, j, noise.nextDouble() < 0.5 ? -1 : 1);
                }
            }
        }
    }

    /** The direction of each dense layer, then of each norm. */
    List<Matrix> directions() {
        return directions;
    }

    /** The product of each dense layer, then of each norm: of the mini-batch's mean loss. */
    List<Matrix> products() {
        return products;
    }

    /**
     * Computes the products, after a forward and a backward pass.
     *
     * @param parameters of those passes
     * @param a augmented inputs of each dense layer
     * @param delta derivatives of the loss at each dense layer
     * @param z raw outputs
     * @param weights of the examples, in units of their mean; null if all are equal
     */
    void compute(List<Matrix> parameters, Matrix[] a, Matrix[] delta, Matrix z, double[] weights) {
        int rows = z.rows();
        int depth = shapes.size();
        entry(0, rows).fill(0);
        for (int i = 0; i < depth; i++) {
            forward(i, rows, parameters);
            Matrix next = i + 1 < depth ? entry(i + 1, rows) : outputs.topRows(rows);
            next.multiply(1, inputs[i].topRows(rows), false, parameters.get(i), true, 0);
            next.multiply(1, a[i], false, directions.get(i), true, 1);
        }
        differentiateLoss(z, rows, weights);
        for (int i = depth - 1; i >= 0; i--) {
            Matrix dotted = deltas[i].topRows(rows);
            products.get(i).multiply(1.0 / rows, dotted, true, a[i], false, 0);
            products.get(i).multiply(1.0 / rows, delta[i], true, inputs[i].topRows(rows), false, 1);
            if (i > 0 || chains[0].size() > 0) {
                int width = shapes.get(i).columns() - 1;
                Matrix value = backward[i].topRows(rows);
                Matrix before = (i > 0 ? deltas[i - 1] : entryDeltas).topRows(rows);
                value.multiply(1, delta[i], false, parameters.get(i).leftColumns(width), false, 0);
                before.multiply(1, dotted, false, parameters.get(i).leftColumns(width), false, 0);
                before.multiply(1, delta[i], false, directions.get(i).leftColumns(width), false, 1);
                backward(i, value, before, parameters);
            }
        }
    }

    private Matrix entry(int layer, int rows) {
        return inputs[layer].topRows(rows).leftColumns(shapes.get(layer).columns() - 1);
    }

    private void differentiateLoss(Matrix z, int rows, double[] weights) {
        int width = z.columns();
        double[] output = new double[width];
        double[] direction = new double[width];
        double[] result = new double[width];
        Matrix last = deltas[deltas.length - 1];
        for (int row = 0; row < rows; row++) {
            z.read(row * width, output, 0, width);
            outputs.read(row * width, direction, 0, width);
            loss.curvature(output, direction, result);
            for (int i = 0; weights != null && i < width; i++) {
                result[i] *= weights[row];
            }
            last.write(row * width, result, 0, width);
        }
    }

    private void forward(int layer, int rows, List<Matrix> parameters) {
        Matrix dotted = entry(layer, rows);
        for (int j = 0; j < chains[layer].size(); j++) {
            Chain.Link link = chains[layer].link(j);
            linkInputs[layer][j].topRows(rows).copyFrom(dotted);
            Rows walk = new Rows(chains[layer].kept(j), dotted);
            for (int row = 0; row < rows; row++) {
                walk.read(row);
                if (link.norm() != null) {
                    Norm norm = new Norm(walk.first, walk.second);
                    Matrix weights = parameters.get(link.parameters());
                    Matrix direction = directions.get(link.parameters());
                    for (int i = 0; i < walk.second.length; i++) {
                        walk.second[i] = direction.get(i, 0) * norm.unit[i]
                                + weights.get(i, 0) * norm.unitDot[i]
                                + direction.get(i, 1);
                    }
                } else {
                    for (int i = 0; i < walk.second.length; i++) {
                        walk.second[i] *= link.activation().derivative(walk.first[i]);
                    }
                }
                walk.writeSecond(row);
            }
        }
    }

    /** Takes d and d' from a chain's results to its entry, in place. */
    private void backward(int layer, Matrix value, Matrix dotted, List<Matrix> parameters) {
        for (int j = chains[layer].size() - 1; j >= 0; j--) {
            Chain.Link link = chains[layer].link(j);
            Matrix inputDots = linkInputs[layer][j].topRows(value.rows());
            Rows input = new Rows(chains[layer].kept(j), inputDots);
            Rows delta = new Rows(value, dotted);
            if (link.norm() != null) {
                products.get(link.parameters()).fill(0);
            }
            for (int row = 0; row < value.rows(); row++) {
                input.read(row);
                delta.read(row);
                if (link.norm() != null) {
                    throughNorm(
                            new Norm(input.first, input.second), delta, link.parameters(), parameters, value.rows());
                } else {
                    for (int i = 0; i < delta.first.length; i++) {
                        double slope = link.activation().derivative(input.first[i]);
                        double bend = link.activation().secondDerivative(input.first[i]);
                        delta.second[i] = slope * delta.second[i] + bend * input.second[i] * delta.first[i];
                        delta.first[i] *= slope;
                    }
                }
                delta.writeFirst(row);
                delta.writeSecond(row);
            }
        }
    }

    private void throughNorm(Norm norm, Rows delta, int at, List<Matrix> parameters, int rows) {
        int n = norm.unit.length;
        Matrix weights = parameters.get(at);
        Matrix direction = directions.get(at);
        Matrix product = products.get(at);
        double[] e = new double[n];
        double[] eDot = new double[n];
        double mean = 0;
        double meanDot = 0;
        double overlap = 0;
        double overlapDot = 0;
        for (int i = 0; i < n; i++) {
            double d = delta.first[i];
            double dDot = delta.second[i];
            product.set(i, 0, product.get(i, 0) + (dDot * norm.unit[i] + d * norm.unitDot[i]) / rows);
            product.set(i, 1, product.get(i, 1) + dDot / rows);
            e[i] = d * weights.get(i, 0);
            eDot[i] = dDot * weights.get(i, 0) + d * direction.get(i, 0);
            mean += e[i] / n;
            meanDot += eDot[i] / n;
            overlap += e[i] * norm.unit[i] / n;
            overlapDot += (eDot[i] * norm.unit[i] + e[i] * norm.unitDot[i]) / n;
        }
        for (int i = 0; i < n; i++) {
            double inner = e[i] - mean - norm.unit[i] * overlap;
            double innerDot = eDot[i] - meanDot - norm.unitDot[i] * overlap - norm.unit[i] * overlapDot;
            delta.first[i] = norm.scale * inner;
            delta.second[i] = norm.scaleDot * inner + norm.scale * innerDot;
        }
    }

    @Override
    public void close() {
        directions.forEach(Matrix::close);
        products.forEach(Matrix::close);
        for (int i = 0; i < inputs.length; i++) {
            inputs[i].close();
            deltas[i].close();
            backward[i].close();
            for (Matrix linkInput : linkInputs[i]) {
                linkInput.close();
            }
        }
        entryDeltas.close();
        outputs.close();
    }

    /** An example of a layer norm: its inputs with mean 0 and deviation 1, and what they were multiplied by. */
    private static final class Norm {
        final double[] unit;
        final double[] unitDot;
        final double scale;
        final double scaleDot;

        Norm(double[] x, double[] xDot) {
            int n = x.length;
            unit = new double[n];
            unitDot = new double[n];
            double mean = 0;
            double meanDot = 0;
            for (int i = 0; i < n; i++) {
                mean += x[i] / n;
                meanDot += xDot[i] / n;
            }
            double variance = LayerNorm.EPSILON;
            double varianceDot = 0;
            for (int i = 0; i < n; i++) {
                unit[i] = x[i] - mean;
                unitDot[i] = xDot[i] - meanDot;
                variance += unit[i] * unit[i] / n;
                varianceDot += 2 * unit[i] * unitDot[i] / n;
            }
            scale = 1 / Math.sqrt(variance);
            scaleDot = -scale / variance / 2 * varianceDot;
            for (int i = 0; i < n; i++) {
                unitDot[i] = unitDot[i] * scale + unit[i] * scaleDot;
                unit[i] *= scale;
            }
        }
    }

    /** A row of two matrices of one width, whose rows may have gaps between them. */
    private static final class Rows {
        private final Matrix one;
        private final Matrix two;
        final double[] first;
        final double[] second;

        Rows(Matrix one, Matrix two) {
            this.one = one;
            this.two = two;
            first = new double[one.columns()];
            second = new double[two.columns()];
        }

        void read(int row) {
            one.read(row * first.length, first, 0, first.length);
            two.read(row * second.length, second, 0, second.length);
        }

        void writeFirst(int row) {
            one.write(row * first.length, first, 0, first.length);
        }

        void writeSecond(int row) {
            two.write(row * second.length, second, 0, second.length);
        }
    }
}
