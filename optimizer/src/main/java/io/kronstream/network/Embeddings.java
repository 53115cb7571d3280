// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import io.kronstream.linalg.Matrix;
import java.util.Arrays;
import java.util.List;

/**
 * The tables of a network: turns the ids of each example into the first of its inputs, and into a part of its outputs.
 *
 * <p>Of each table a row is the id's vector e and then a weight v for each output. With the share p of an id in its
 * example, 1 or for the mean one over their number:
 *
 * <pre>
 *   x = sum p e      is an input for each element
 *   4 x y            of each product's two tables too, elementwise
 *   z = z + sum p v  of all tables
 * </pre>
 *
 * Only rows of ids that the mini-batch holds are read and get a gradient.
 */
final class Embeddings {
    /** Vectors start small, and their products smaller still: enlarged, they are heard beside them from the start. */
    private static final double PRODUCT_SCALE = 4;

    private final List<Embedding> tables;
    private final List<Architecture.Product> products;
    private final int outputs;

    /** Inputs that it gives: the tables', one after the other, then the products'. */
    private final int width;

    private final int[] starts;
    private final int[][] ids;

    /** The example's inputs as computed, of each row. */
    private final double[][] pooled;

    private final double[][] weights;
    private final double[] delta;
    private final RowGradient[] gradients;

    Embeddings(Architecture architecture, int maxBatch) {
        this.tables = architecture.embeddings();
        this.products = architecture.products();
        this.outputs = architecture.outputs();
        this.width = architecture.embedded();
        this.starts = new int[tables.size() + 1];
        for (int k = 0; k < tables.size(); k++) {
            starts[k + 1] = starts[k] + tables.get(k).width();
        }
        this.ids = new int[maxBatch][];
        this.pooled = new double[maxBatch][width];
        this.weights = new double[maxBatch][outputs];
        this.delta = new double[width];
        this.gradients = new RowGradient[tables.size()];
    }

    int width() {
        return width;
    }

    /** Sets the ids of an example: of each table how many there are, then the ids. */
    void set(int row, int[] exampleIds) {
        int at = 0;
        for (Embedding table : tables) {
            int count = at < exampleIds.length ? exampleIds[at++] : -1;
            if (count < 0 || count > exampleIds.length - at) {
                throw new IllegalArgumentException("The ids of table " + table.name() + " are missing");
            }
            for (int i = 0; i < count; i++) {
                int id = exampleIds[at++];
                if (id < 0 || id >= table.ids()) {
                    throw new IllegalArgumentException("An id of table " + table.name() + " must lie in [0, "
                            + (table.ids() - 1) + "], was " + id);
                }
            }
        }
        ids[row] = exampleIds;
    }

    /** Writes the first columns of the inputs, and keeps what belongs to the outputs for {@link #addWeights}. */
    void forward(List<Matrix> parameters, Matrix inputs, int rows) {
        for (int row = 0; row < rows; row++) {
            double[] x = pooled[row];
            Arrays.fill(x, 0);
            Arrays.fill(weights[row], 0);
            int at = 0;
            for (int k = 0; k < tables.size(); k++) {
                int count = ids[row][at++];
                pool(k, parameters.get(k), row, at, count);
                at += count;
            }
            int next = starts[tables.size()];
            for (Architecture.Product product : products) {
                int length = tables.get(product.first()).width();
                for (int i = 0; i < length; i++) {
                    x[next++] = PRODUCT_SCALE * x[starts[product.first()] + i] * x[starts[product.second()] + i];
                }
            }
            inputs.write(row * inputs.columns(), x, 0, width);
        }
    }

    private void pool(int table, Matrix parameters, int row, int from, int count) {
        int length = tables.get(table).width();
        double share = share(table, count);
        double[] element = new double[length + outputs];
        for (int i = from; i < from + count; i++) {
            parameters.read(ids[row][i] * element.length, element, 0, element.length);
            for (int j = 0; j < length; j++) {
                pooled[row][starts[table] + j] += share * element[j];
            }
            for (int j = 0; j < outputs; j++) {
                weights[row][j] += share * element[length + j];
            }
        }
    }

    private double share(int table, int count) {
        return tables.get(table).pooling() == Pooling.MEAN ? 1.0 / count : 1;
    }

    void addWeights(Matrix results, int rows) {
        for (int row = 0; row < rows; row++) {
            for (int j = 0; j < outputs; j++) {
                results.set(row, j, results.get(row, j) + weights[row][j]);
            }
        }
    }

    /**
     * Gathers the gradients of the rows.
     *
     * @param inputDeltas derivatives of each example's loss with respect to its inputs, of which it reads the first columns
     * @param outputDeltas the same for the outputs
     */
    void backward(Matrix inputDeltas, Matrix outputDeltas, int rows) {
        Sums[] sums = new Sums[tables.size()];
        for (int k = 0; k < sums.length; k++) {
            sums[k] = new Sums(touched(k, rows), tables.get(k).width() + outputs);
        }
        double[] outputDelta = new double[outputs];
        for (int row = 0; row < rows; row++) {
            inputDeltas.read(row * inputDeltas.columns(), delta, 0, width);
            outputDeltas.read(row * outputs, outputDelta, 0, outputs);
            differentiateProducts(pooled[row]);
            int at = 0;
            for (int k = 0; k < sums.length; k++) {
                int count = ids[row][at++];
                if (count > 0) {
                    sums[k].add(ids[row], at, count, share(k, count), delta, starts[k], outputDelta);
                }
                at += count;
            }
        }
        for (int k = 0; k < sums.length; k++) {
            gradients[k] = sums[k].gradient(tables.get(k).width(), rows);
        }
    }

    private void differentiateProducts(double[] x) {
        int next = starts[tables.size()];
        for (Architecture.Product product : products) {
            int first = starts[product.first()];
            int second = starts[product.second()];
            int length = tables.get(product.first()).width();
            for (int i = 0; i < length; i++, next++) {
                delta[first + i] += PRODUCT_SCALE * delta[next] * x[second + i];
                delta[second + i] += PRODUCT_SCALE * delta[next] * x[first + i];
            }
        }
    }

    /** The distinct ids of a table in the mini-batch, ascending. */
    private int[] touched(int table, int rows) {
        int[] all = new int[rows];
        int length = 0;
        for (int row = 0; row < rows; row++) {
            int at = 0;
            for (int k = 0; k < table; k++) {
                at += 1 + ids[row][at];
            }
            int count = ids[row][at++];
            if (length + count > all.length) {
                all = Arrays.copyOf(all, 2 * (length + count));
            }
            System.arraycopy(ids[row], at, all, length, count);
            length += count;
        }
        Arrays.sort(all, 0, length);
        int distinct = 0;
        for (int i = 0; i < length; i++) {
            if (i == 0 || all[i] != all[i - 1]) {
                all[distinct++] = all[i];
            }
        }
        return Arrays.copyOf(all, distinct);
    }

    RowGradient gradient(int table) {
        return gradients[table];
    }

    /** Sums over the examples of a mini-batch, of one table. */
    private static final class Sums {
        private final int[] touched;
        private final double[] gradients;
        private final double[] inputSquares;
        private final double[] outputSquares;
        /** The share of a row in the present example; an id that it holds twice has both. */
        private final double[] shares;

        Sums(int[] touched, int columns) {
            this.touched = touched;
            this.gradients = new double[touched.length * columns];
            this.inputSquares = new double[touched.length];
            this.outputSquares = new double[columns];
            this.shares = new double[touched.length];
        }

        void add(int[] ids, int from, int count, double share, double[] delta, int start, double[] outputDelta) {
            int columns = outputSquares.length;
            int width = columns - outputDelta.length;
            for (int j = 0; j < columns; j++) {
                double d = j < width ? delta[start + j] : outputDelta[j - width];
                outputSquares[j] += d * d;
            }
            for (int i = from; i < from + count; i++) {
                int slot = Arrays.binarySearch(touched, ids[i]);
                shares[slot] += share;
                for (int j = 0; j < columns; j++) {
                    gradients[slot * columns + j] += share * (j < width ? delta[start + j] : outputDelta[j - width]);
                }
            }
            for (int i = from; i < from + count; i++) {
                int slot = Arrays.binarySearch(touched, ids[i]);
                inputSquares[slot] += shares[slot] * shares[slot];
                shares[slot] = 0;
            }
        }

        RowGradient gradient(int width, int rows) {
            return new RowGradient(width, rows, touched, gradients, inputSquares, outputSquares);
        }
    }
}
