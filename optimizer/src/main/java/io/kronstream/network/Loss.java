// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import java.util.Arrays;

/**
 * Loss of one example, of the network's raw outputs z and the target y. A mini-batch's loss is the mean. Each is the
 * negative logarithm of a density, up to a constant, and can draw targets from it.
 */
public abstract class Loss {
    /** {@code 1/2 |z - y|^2}; y is normal around z with variance 1. */
    public static final Loss MEAN_SQUARED_ERROR = new SquaredError();
    /** Sum over outputs of {@code log(1 + exp(z)) - y z}: z is a logit, y lies in [0, 1]. */
    public static final Loss BINARY_CROSS_ENTROPY = new BinaryCrossEntropy();
    /** {@code log sum exp(z) - z_y}: y is the index of the class. */
    public static final Loss SOFTMAX_CROSS_ENTROPY = new SoftmaxCrossEntropy();
    /** Sum over outputs of {@code exp(z) - y z}: z is the logarithm of a rate, y a count or another number from 0 on. */
    public static final Loss POISSON = new Poisson();

    private final String name;

    Loss(String name) {
        this.name = name;
    }

    /**
     * Sum over outputs of {@code level (y - z)} where y is larger, else {@code (1 - level)(z - y)}: z is the level-quantile
     * of y, which follows an asymmetric Laplace distribution.
     *
     * @param level above 0 and below 1; 0.5 makes z the median
     */
    public static Loss quantile(double level) {
        return new Quantile(level);
    }

    /**
     * Loss of one example and its gradient.
     *
     * @param outputs raw outputs z
     * @param targets where the targets are: one per output, or the class index alone
     * @param offset of the example's first target
     * @param gradient receives dLoss/dz
     */
    abstract double evaluate(double[] outputs, double[] targets, int offset, double[] gradient);

    /**
     * Product of the loss's second derivatives with a direction; they do not depend on the target.
     *
     * @param outputs raw outputs z
     * @param direction in the space of the outputs
     * @param result receives it
     */
    abstract void curvature(double[] outputs, double[] direction, double[] result);

    /**
     * Draws the targets of one example from the distribution that the raw outputs stand for.
     *
     * @param targets receives them, one per output, or the class index alone
     */
    abstract void sample(double[] outputs, Noise noise, double[] targets);

    /** Targets per example. */
    int targets(int outputs) {
        return outputs;
    }

    @Override
    public final String toString() {
        return name;
    }

    private static final class SquaredError extends Loss {
        SquaredError() {
            super("mean squared error");
        }

        @Override
        void curvature(double[] outputs, double[] direction, double[] result) {
            System.arraycopy(direction, 0, result, 0, direction.length);
        }

        @Override
        double evaluate(double[] outputs, double[] targets, int offset, double[] gradient) {
            double loss = 0;
            for (int i = 0; i < outputs.length; i++) {
                gradient[i] = outputs[i] - targets[offset + i];
                loss += gradient[i] * gradient[i] / 2;
            }
            return loss;
        }

        @Override
        void sample(double[] outputs, Noise noise, double[] targets) {
            for (int i = 0; i < outputs.length; i++) {
                targets[i] = outputs[i] + noise.nextNormal();
            }
        }
    }

    private static final class BinaryCrossEntropy extends Loss {
        BinaryCrossEntropy() {
            super("binary cross-entropy");
        }

        @Override
        void curvature(double[] outputs, double[] direction, double[] result) {
            for (int i = 0; i < outputs.length; i++) {
                double e = StrictMath.exp(-Math.abs(outputs[i]));
                result[i] = e / ((1 + e) * (1 + e)) * direction[i];
            }
        }

        @Override
        double evaluate(double[] outputs, double[] targets, int offset, double[] gradient) {
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

        @Override
        void sample(double[] outputs, Noise noise, double[] targets) {
            for (int i = 0; i < outputs.length; i++) {
                targets[i] = noise.nextDouble() * (1 + StrictMath.exp(-outputs[i])) < 1 ? 1 : 0;
            }
        }
    }

    private static final class SoftmaxCrossEntropy extends Loss {
        SoftmaxCrossEntropy() {
            super("softmax cross-entropy");
        }

        @Override
        int targets(int outputs) {
            return 1;
        }

        @Override
        void curvature(double[] outputs, double[] direction, double[] result) {
            double largest = largest(outputs);
            double sum = 0;
            double mean = 0;
            for (int i = 0; i < outputs.length; i++) {
                result[i] = StrictMath.exp(outputs[i] - largest);
                sum += result[i];
                mean += result[i] * direction[i];
            }
            for (int i = 0; i < outputs.length; i++) {
                result[i] = result[i] / sum * (direction[i] - mean / sum);
            }
        }

        @Override
        double evaluate(double[] outputs, double[] targets, int offset, double[] gradient) {
            double target = targets[offset];
            int label = (int) target;
            if (label != target || label < 0 || label >= outputs.length) {
                throw new IllegalArgumentException(
                        "A class must be an index below " + outputs.length + ", was " + target);
            }
            double largest = largest(outputs);
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

        /** The first class whose cumulated probability exceeds a uniform number. */
        @Override
        void sample(double[] outputs, Noise noise, double[] targets) {
            double largest = largest(outputs);
            double sum = 0;
            for (double z : outputs) {
                sum += StrictMath.exp(z - largest);
            }
            double threshold = noise.nextDouble() * sum;
            double cumulated = 0;
            for (int i = 0; i < outputs.length - 1; i++) {
                cumulated += StrictMath.exp(outputs[i] - largest);
                if (cumulated > threshold) {
                    targets[0] = i;
                    return;
                }
            }
            targets[0] = outputs.length - 1.0;
        }

        private static double largest(double[] outputs) {
            double largest = Double.NEGATIVE_INFINITY;
            for (double z : outputs) {
                largest = Math.max(largest, z);
            }
            return largest;
        }
    }

    private static final class Poisson extends Loss {
        /** Larger rates are drawn as normal numbers, which they are nearly. */
        private static final double LARGE_RATE = 64;

        Poisson() {
            super("Poisson");
        }

        @Override
        void curvature(double[] outputs, double[] direction, double[] result) {
            for (int i = 0; i < outputs.length; i++) {
                result[i] = StrictMath.exp(outputs[i]) * direction[i];
            }
        }

        @Override
        double evaluate(double[] outputs, double[] targets, int offset, double[] gradient) {
            double loss = 0;
            for (int i = 0; i < outputs.length; i++) {
                double rate = StrictMath.exp(outputs[i]);
                gradient[i] = rate - targets[offset + i];
                loss += rate - targets[offset + i] * outputs[i];
            }
            return loss;
        }

        /** By inversion: the first count whose cumulated probability exceeds a uniform number. */
        @Override
        void sample(double[] outputs, Noise noise, double[] targets) {
            for (int i = 0; i < outputs.length; i++) {
                double rate = StrictMath.exp(outputs[i]);
                if (!(rate <= LARGE_RATE)) {
                    targets[i] = Math.max(0, rate + Math.sqrt(rate) * noise.nextNormal());
                    continue;
                }
                double uniform = noise.nextDouble();
                double probability = StrictMath.exp(-rate);
                double cumulated = probability;
                int count = 0;
                while (cumulated <= uniform && probability > 0) {
                    count++;
                    probability *= rate / count;
                    cumulated += probability;
                }
                targets[i] = count;
            }
        }
    }

    private static final class Quantile extends Loss {
        private final double level;

        Quantile(double level) {
            super("quantile " + level);
            if (!(level > 0 && level < 1)) {
                throw new IllegalArgumentException("The level of a quantile must lie between 0 and 1, was " + level);
            }
            this.level = level;
        }

        /** The derivative where z equals y is 0. */
        @Override
        void curvature(double[] outputs, double[] direction, double[] result) {
            Arrays.fill(result, 0);
        }

        @Override
        double evaluate(double[] outputs, double[] targets, int offset, double[] gradient) {
            double loss = 0;
            for (int i = 0; i < outputs.length; i++) {
                double excess = outputs[i] - targets[offset + i];
                gradient[i] = excess > 0 ? 1 - level : excess < 0 ? -level : excess;
                loss += gradient[i] * excess;
            }
            return loss;
        }

        /** Below z with probability {@code level}; the distance is exponential on either side. */
        @Override
        void sample(double[] outputs, Noise noise, double[] targets) {
            for (int i = 0; i < outputs.length; i++) {
                boolean below = noise.nextDouble() < level;
                double distance = -StrictMath.log(1 - noise.nextDouble());
                targets[i] = below ? outputs[i] - distance / (1 - level) : outputs[i] + distance / level;
            }
        }
    }
}
