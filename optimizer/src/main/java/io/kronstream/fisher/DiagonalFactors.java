// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;
import java.util.Arrays;

/**
 * The two diagonals of AdaFisher, by kind of layer: H of what goes into a layer, S of the derivatives with respect to what
 * comes out of it, so that the Fisher matrix of its parameters is taken as {@code S H^T}. Each kind has its parameters as
 * one matrix, outputs x inputs, the bias last.
 *
 * <p>Dense layers, also on sequences, and convolutions follow the paper: second moments over examples and positions. Norms
 * follow the authors' code, which takes squares of sums instead, over the layer's raw input. For layers without a rule
 * the factors are {@link #identity}.
 *
 * <p>Sums, not means, are kept, with the number that they are of: those of several workers can be {@linkplain #add added},
 * and then equal a single worker's on all their examples. Scaling to [0, 1] comes after that.
 *
 * <p>Reference: Gomes et al. 2024, arXiv 2405.16397, proposition 3.1 and appendix A.3, and its authors' {@code
 * AdaFisher.py}.
 */
public final class DiagonalFactors {
    /** Entries that differ by less, relative to the largest, differ by rounding: nothing tells them apart. */
    private static final double ROUNDING = 1e-6;

    private final double[] inputs;
    private final double[] outputs;
    private final double count;

    /** Of a norm, how many inputs each of its sums has per example; 0 where the sums are of squares. */
    private final int summed;

    private DiagonalFactors(double[] inputs, double[] outputs, double count, int summed) {
        this.inputs = inputs;
        this.outputs = outputs;
        this.count = count;
        this.summed = summed;
    }

    /**
     * A dense layer's: {@code H_j = mean(a_j^2)}, {@code S_i = mean(q_i^2)}. A sequence's positions are rows like others.
     *
     * @param activations augmented inputs, one row per example and position; the last column is 1 if there is a bias
     * @param gradients derivatives with respect to the outputs, as many rows
     */
    public static DiagonalFactors dense(Matrix activations, Matrix gradients) {
        return new DiagonalFactors(squares(activations), squares(gradients), activations.rows(), 0);
    }

    /**
     * A convolution's, over all patches: as a dense layer's whose inputs are the patches, channel by channel, row by row,
     * and 1 for the bias. The authors' code divides H by the length of a patch once more.
     *
     * @param images of shape examples x channels x height x width, one after the other
     * @param gradients derivatives with respect to the outputs, examples x channels x height x width
     * @param shape of both
     */
    public static DiagonalFactors convolution(double[] images, double[] gradients, Convolution shape) {
        int length = shape.patchLength();
        double[] h = new double[length + 1];
        double[] s = new double[shape.outputChannels];
        int positions = shape.outputHeight() * shape.outputWidth();
        for (int example = 0; example < shape.examples; example++) {
            for (int row = 0; row < shape.outputHeight(); row++) {
                for (int column = 0; column < shape.outputWidth(); column++) {
                    addPatch(images, shape, example, row, column, h);
                }
            }
            for (int channel = 0; channel < s.length; channel++) {
                int start = (example * s.length + channel) * positions;
                for (int i = start; i < start + positions; i++) {
                    s[channel] += gradients[i] * gradients[i];
                }
            }
        }
        return new DiagonalFactors(h, s, (double) shape.examples * positions, 0);
    }

    private static void addPatch(double[] images, Convolution shape, int example, int row, int column, double[] h) {
        int at = 0;
        for (int channel = 0; channel < shape.channels; channel++) {
            for (int i = 0; i < shape.kernelHeight; i++) {
                for (int j = 0; j < shape.kernelWidth; j++) {
                    int y = row * shape.strideHeight + i - shape.paddingHeight;
                    int x = column * shape.strideWidth + j - shape.paddingWidth;
                    if (y >= 0 && y < shape.height && x >= 0 && x < shape.width) {
                        double value =
                                images[((example * shape.channels + channel) * shape.height + y) * shape.width + x];
                        h[at] += value * value;
                    }
                    at++;
                }
            }
        }
        h[at] += 1;
    }

    /**
     * A batch norm's gain and bias, by the authors' code: with T positions per channel and B examples,
     *
     * <pre>
     *   H = (sum_channels (sum_(examples, positions) x / T^2)^2 / B^2,   channels / B^2)
     *   S_c = (sum_(examples, positions) q_c)^2 / B
     * </pre>
     *
     * @param inputs raw inputs, examples x channels x positions, one after the other
     * @param gradients derivatives with respect to the outputs, of the same shape
     */
    public static DiagonalFactors batchNorm(
            double[] inputs, double[] gradients, int examples, int channels, int positions) {
        double[] s = new double[channels];
        double[] sums = new double[channels];
        for (int example = 0; example < examples; example++) {
            for (int channel = 0; channel < channels; channel++) {
                int start = (example * channels + channel) * positions;
                for (int i = start; i < start + positions; i++) {
                    sums[channel] += inputs[i];
                    s[channel] += gradients[i];
                }
            }
        }
        return new DiagonalFactors(sums, s, examples, positions);
    }

    /**
     * A layer norm's gain and bias, by the authors' code: as {@link #batchNorm} with the axis after the examples in place of
     * the channels for H, the features for S.
     *
     * @param inputs raw inputs, examples x positions x features, one after the other
     * @param gradients derivatives with respect to the outputs, of the same shape
     */
    public static DiagonalFactors layerNorm(
            double[] inputs, double[] gradients, int examples, int positions, int features) {
        double[] s = new double[features];
        double[] sums = new double[positions];
        int at = 0;
        for (int example = 0; example < examples; example++) {
            for (int position = 0; position < positions; position++) {
                for (int feature = 0; feature < features; feature++, at++) {
                    sums[position] += inputs[at];
                    s[feature] += gradients[at];
                }
            }
        }
        return new DiagonalFactors(sums, s, examples, features);
    }

    /** Of a layer without a rule: the Fisher matrix of ones. */
    public static DiagonalFactors identity(int rows, int columns) {
        double[] h = new double[columns];
        double[] s = new double[rows];
        Arrays.fill(h, 1);
        Arrays.fill(s, 1);
        return new DiagonalFactors(h, s, 1, 0);
    }

    /** The factors of this one's examples and another's together. */
    public DiagonalFactors add(DiagonalFactors other) {
        if (summed != other.summed) {
            throw new IllegalArgumentException("Factors of layers of two kinds do not add up");
        }
        return new DiagonalFactors(sum(inputs, other.inputs), sum(outputs, other.outputs), count + other.count, summed);
    }

    private static double[] sum(double[] a, double[] b) {
        if (a.length != b.length) {
            throw new IllegalArgumentException(
                    "Factors of " + a.length + " and " + b.length + " entries do not add up");
        }
        double[] sum = a.clone();
        for (int i = 0; i < b.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }

    /** H. */
    public double[] inputs() {
        if (summed == 0) {
            return Arrays.stream(inputs).map(x -> x / count).toArray();
        }
        double gain = 0;
        for (double sum : inputs) {
            double mean = sum / ((double) summed * summed);
            gain += mean * mean;
        }
        return new double[] {gain / (count * count), inputs.length / (count * count)};
    }

    /** S. */
    public double[] outputs() {
        return Arrays.stream(outputs)
                .map(x -> (summed == 0 ? x : x * x) / count)
                .toArray();
    }

    /**
     * Scales to [0, 1]: {@code (x - min) / (max - min + epsilon)}. One entry, or entries that are equal up to rounding, give
     * 0: there is nothing that tells them apart, and the Fisher matrix is left to the damping. Infinite entries count as 1, and
     * 0 if negative.
     */
    public static void normalise(double[] x, double epsilon) {
        for (int i = 0; i < x.length; i++) {
            if (Double.isInfinite(x[i])) {
                x[i] = x[i] > 0 ? 1 : 0;
            }
        }
        double least = Arrays.stream(x).min().orElse(0);
        double most = Arrays.stream(x).max().orElse(0);
        double range = most - least;
        boolean apart = range > ROUNDING * Math.max(Math.abs(least), Math.abs(most));
        for (int i = 0; i < x.length; i++) {
            x[i] = apart ? (x[i] - least) / (range + epsilon) : 0;
        }
    }

    private static double[] squares(Matrix rows) {
        int n = rows.columns();
        double[] row = new double[n];
        double[] sums = new double[n];
        for (int t = 0; t < rows.rows(); t++) {
            rows.read(t * n, row, 0, n);
            for (int j = 0; j < n; j++) {
                sums[j] += row[j] * row[j];
            }
        }
        return sums;
    }

    /** Shape of a convolution without groups or dilation. */
    public record Convolution(
            int examples,
            int channels,
            int height,
            int width,
            int outputChannels,
            int kernelHeight,
            int kernelWidth,
            int strideHeight,
            int strideWidth,
            int paddingHeight,
            int paddingWidth) {

        int patchLength() {
            return channels * kernelHeight * kernelWidth;
        }

        int outputHeight() {
            return (height + 2 * paddingHeight - kernelHeight) / strideHeight + 1;
        }

        int outputWidth() {
            return (width + 2 * paddingWidth - kernelWidth) / strideWidth + 1;
        }
    }
}
