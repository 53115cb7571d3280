// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

/** Loss of one example, of the network's raw outputs z and the target y. A mini-batch's loss is the mean. */
public enum Loss {
    /** {@code 1/2 |z - y|^2}. */
    MEAN_SQUARED_ERROR,
    /** Sum over outputs of {@code log(1 + exp(z)) - y z}: z is a logit, y lies in [0, 1]. */
    BINARY_CROSS_ENTROPY,
    /** {@code log sum exp(z) - z_y}: y is the index of the class. */
    SOFTMAX_CROSS_ENTROPY;

    /**
     * Loss of one example and its gradient.
     *
     * @param outputs raw outputs z
     * @param targets where the targets are: one per output, or the class index alone
     * @param offset of the example's first target
     * @param gradient receives dLoss/dz
     */
    double evaluate(double[] outputs, double[] targets, int offset, double[] gradient) {
        return switch (this) {
            case MEAN_SQUARED_ERROR -> squaredError(outputs, targets, offset, gradient);
            case BINARY_CROSS_ENTROPY -> binaryCrossEntropy(outputs, targets, offset, gradient);
            case SOFTMAX_CROSS_ENTROPY -> softmaxCrossEntropy(outputs, targets[offset], gradient);
        };
    }

    /**
     * Draws the targets of one example from the distribution that the raw outputs stand for: normal around z with
     * variance 1; Bernoulli; categorical, as the first class whose cumulated probability exceeds a uniform number.
     *
     * @param targets receives them, one per output, or the class index alone
     */
    void sample(double[] outputs, Noise noise, double[] targets) {
        switch (this) {
            case MEAN_SQUARED_ERROR -> {
                for (int i = 0; i < outputs.length; i++) {
                    targets[i] = outputs[i] + noise.nextNormal();
                }
            }
            case BINARY_CROSS_ENTROPY -> {
                for (int i = 0; i < outputs.length; i++) {
                    targets[i] = noise.nextDouble() * (1 + StrictMath.exp(-outputs[i])) < 1 ? 1 : 0;
                }
            }
            case SOFTMAX_CROSS_ENTROPY -> targets[0] = sampleClass(outputs, noise.nextDouble());
        }
    }

    private static int sampleClass(double[] outputs, double uniform) {
        double largest = Double.NEGATIVE_INFINITY;
        for (double z : outputs) {
            largest = Math.max(largest, z);
        }
        double sum = 0;
        for (double z : outputs) {
            sum += StrictMath.exp(z - largest);
        }
        double cumulated = 0;
        for (int i = 0; i < outputs.length - 1; i++) {
            cumulated += StrictMath.exp(outputs[i] - largest);
            if (cumulated > uniform * sum) {
                return i;
            }
        }
        return outputs.length - 1;
    }

    /** Targets per example. */
    int targets(int outputs) {
        return this == SOFTMAX_CROSS_ENTROPY ? 1 : outputs;
    }

    private static double squaredError(double[] outputs, double[] targets, int offset, double[] gradient) {
        double loss = 0;
        for (int i = 0; i < outputs.length; i++) {
            gradient[i] = outputs[i] - targets[offset + i];
            loss += gradient[i] * gradient[i] / 2;
        }
        return loss;
    }

    private static double binaryCrossEntropy(double[] outputs, double[] targets, int offset, double[] gradient) {
        double loss = 0;
        for (int i = 0; i < outputs.length; i++) {
            double z = outputs[i];
            double y = targets[offset + i];
            // exp of a negative number: neither form overflows.
            double e = StrictMath.exp(-Math.abs(z));
            gradient[i] = (z >= 0 ? 1 : e) / (1 + e) - y;
            loss += Math.max(z, 0) - y * z + StrictMath.log1p(e);
        }
        return loss;
    }

    private static double softmaxCrossEntropy(double[] outputs, double target, double[] gradient) {
        int label = (int) target;
        if (label != target || label < 0 || label >= outputs.length) {
            throw new IllegalArgumentException("A class must be an index below " + outputs.length + ", was " + target);
        }
        double largest = Double.NEGATIVE_INFINITY;
        for (double z : outputs) {
            largest = Math.max(largest, z);
        }
        double sum = 0;
        for (int i = 0; i < outputs.length; i++) {
            gradient[i] = StrictMath.exp(outputs[i] - largest);
            sum += gradient[i];
        }
        for (int i = 0; i < outputs.length; i++) {
            gradient[i] /= sum;
        }
        gradient[label] -= 1;
        return StrictMath.log(sum) + largest - outputs[label];
    }
}
