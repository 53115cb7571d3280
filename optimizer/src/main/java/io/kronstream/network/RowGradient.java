// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

/**
 * What a mini-batch says about an {@linkplain Embedding embedding table}: about the rows of the ids that it holds, and of
 * no others. A row is an id's vector and then its weight for each output.
 *
 * <p>The arrays are the network's, valid until its next backward pass.
 */
public final class RowGradient {
    /** Squares below it fit a float with room for the sums that an optimizer makes of them. */
    private static final double LARGEST_SQUARE = 0.25 * Float.MAX_VALUE;

    private final int width;
    private final int columns;
    private final int batch;
    private final int[] rows;
    private final double[] gradients;
    private final double[] inputSquares;
    private final double[] outputSquares;

    /**
     * @param width length of a vector
     * @param batch examples in the mini-batch
     * @param rows touched rows, ascending
     * @param gradients of the summed loss, row by row
     * @param inputSquares for each touched row the sum over examples of its squared share in the example's vector
     * @param outputSquares for each column the sum over examples of the squared derivative with respect to the example's
     *     pooled vector, or to the output
     */
    public RowGradient(
            int width, int batch, int[] rows, double[] gradients, double[] inputSquares, double[] outputSquares) {
        this.width = width;
        this.columns = outputSquares.length;
        this.batch = batch;
        this.rows = rows;
        this.gradients = gradients;
        this.inputSquares = inputSquares;
        this.outputSquares = outputSquares;
    }

    /** Touched rows. */
    public int count() {
        return rows.length;
    }

    /** Place in the table of the i-th touched row. */
    public int row(int i) {
        return rows[i];
    }

    /** Length of a vector. */
    public int width() {
        return width;
    }

    /** Length of a row: the vector, and a weight for each output. */
    public int columns() {
        return columns;
    }

    /** Examples in the mini-batch, B. */
    public int batch() {
        return batch;
    }

    /** Derivative of the mini-batch's summed loss with respect to an element of the i-th touched row. */
    public double get(int i, int column) {
        return gradients[i * columns + column];
    }

    /** Sum over examples of the squared share that the i-th touched row has in the example's pooled vector. */
    public double inputSquares(int i) {
        return inputSquares[i];
    }

    /** Sum over examples of the squared derivative of its loss with respect to a column of its pooled row. */
    public double outputSquares(int column) {
        return outputSquares[column];
    }

    /** Whether an optimizer may see it: every element is finite, and so are sums of their squares in single precision. */
    public boolean isFinite() {
        double sum = 0;
        for (double g : gradients) {
            sum += g * g;
        }
        return sum <= LARGEST_SQUARE;
    }
}
