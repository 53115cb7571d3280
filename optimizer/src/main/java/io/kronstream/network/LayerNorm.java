// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.Arrays;

/**
 * Layer norm: of each example x of width n,
 *
 * <pre>
 *   xhat = (x - mean(x)) / sqrt(variance(x) + 1e-5)
 *   y_i  = gain_i xhat_i + bias_i
 * </pre>
 *
 * <p>Its parameters are {@code [gain | bias]}, n x 2. Sums are in double precision, in the order of the units.
 *
 * <p>Reference: Ba, Kiros and Hinton 2016, arXiv 1607.06450, equation 4.
 */
final class LayerNorm implements AutoCloseable {
    /** PyTorch's default. */
    static final double EPSILON = 1e-5;

    private final Matrix gradient;
    private final double[] means;
    private final double[] scales;
    private final double[] row;
    private final double[] delta;
    private final double[] gain;
    private final double[] bias;
    private final double[] gainGradient;
    private final double[] biasGradient;

    LayerNorm(Precision precision, int width, int maxBatch) {
        this.gradient = Matrix.create(precision, width, 2);
        this.means = new double[maxBatch];
        this.scales = new double[maxBatch];
        this.row = new double[width];
        this.delta = new double[width];
        this.gain = new double[width];
        this.bias = new double[width];
        this.gainGradient = new double[width];
        this.biasGradient = new double[width];
    }

    void forward(Matrix in, Matrix out, Matrix parameters) {
        readParameters(parameters);
        int n = row.length;
        for (int t = 0; t < in.rows(); t++) {
            in.read(t * n, row, 0, n);
            double sum = 0;
            for (double x : row) {
                sum += x;
            }
            double mean = sum / n;
            double squares = 0;
            for (double x : row) {
                squares += (x - mean) * (x - mean);
            }
            double scale = 1 / Math.sqrt(squares / n + EPSILON);
            means[t] = mean;
            scales[t] = scale;
            for (int i = 0; i < n; i++) {
                row[i] = gain[i] * ((row[i] - mean) * scale) + bias[i];
            }
            out.write(t * n, row, 0, n);
        }
    }

    /**
     * From the derivatives at its outputs to those at its inputs.
     *
     * @param in the inputs of the last forward pass
     * @param learn whether they are those of the true targets, which the parameters' gradient is made of
     */
    void backward(Matrix deltas, Matrix in, Matrix parameters, boolean learn) {
        readParameters(parameters);
        Arrays.fill(gainGradient, 0);
        Arrays.fill(biasGradient, 0);
        int n = row.length;
        for (int t = 0; t < in.rows(); t++) {
            in.read(t * n, row, 0, n);
            deltas.read(t * n, delta, 0, n);
            double sum = 0;
            double product = 0;
            for (int i = 0; i < n; i++) {
                row[i] = (row[i] - means[t]) * scales[t];
                gainGradient[i] += delta[i] * row[i];
                biasGradient[i] += delta[i];
                delta[i] *= gain[i];
                sum += delta[i];
                product += delta[i] * row[i];
            }
            for (int i = 0; i < n; i++) {
                delta[i] = scales[t] * (delta[i] - sum / n - row[i] * (product / n));
            }
            deltas.write(t * n, delta, 0, n);
        }
        if (learn) {
            for (int i = 0; i < n; i++) {
                gradient.set(i, 0, gainGradient[i] / in.rows());
                gradient.set(i, 1, biasGradient[i] / in.rows());
            }
        }
    }

    private void readParameters(Matrix parameters) {
        for (int i = 0; i < gain.length; i++) {
            gain[i] = parameters.get(i, 0);
            bias[i] = parameters.get(i, 1);
        }
    }

    /** Of the mini-batch's mean loss, n x 2. */
    Matrix gradient() {
        return gradient;
    }

    @Override
    public void close() {
        gradient.close();
    }
}
