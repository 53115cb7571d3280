// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.network.Loss;
import io.kronstream.network.Network;

/** What the network's output is made to mean. */
public enum Objective {
    /** {@link #SQUARED} for a regression, {@link #LOGISTIC} for a binary label, {@link #SOFTMAX} for classes. */
    AUTO,
    /** The mean, by squared loss. */
    SQUARED,
    /** The probability of a binary label, by cross-entropy. */
    LOGISTIC,
    /** The probabilities of classes, by cross-entropy. */
    SOFTMAX,
    /** The mean of a count, or of another label from 0 on, as an exponential; a negative label counts as 0. */
    POISSON,
    /** A quantile. */
    QUANTILE;

    /** The one that it stands for with a task. */
    Objective of(Task task) {
        if (this != AUTO) {
            return this;
        }
        return switch (task) {
            case REGRESSION -> SQUARED;
            case BINARY -> LOGISTIC;
            case CLASSIFICATION -> SOFTMAX;
        };
    }

    /** Of an objective that is not {@link #AUTO}. */
    Loss loss(double level) {
        return switch (this) {
            case LOGISTIC -> Loss.BINARY_CROSS_ENTROPY;
            case SOFTMAX -> Loss.SOFTMAX_CROSS_ENTROPY;
            case POISSON -> Loss.POISSON;
            case QUANTILE -> Loss.quantile(level);
            default -> Loss.MEAN_SQUARED_ERROR;
        };
    }

    /** What is kept of the network's outputs for an instance: the output, or of classes the probability of the label. */
    double output(Instance instance, Network network, int row) {
        if (this != SOFTMAX) {
            return network.output(row, 0);
        }
        double[] probabilities = probabilities(network, row);
        instance.answer = mostProbable(probabilities);
        return probabilities[(int) instance.label];
    }

    /** The probabilities of the classes. */
    static double[] probabilities(Network network, int row) {
        double[] probabilities = new double[network.outputs()];
        double largest = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < probabilities.length; k++) {
            probabilities[k] = network.output(row, k);
            largest = Math.max(largest, probabilities[k]);
        }
        double sum = 0;
        for (int k = 0; k < probabilities.length; k++) {
            probabilities[k] = StrictMath.exp(probabilities[k] - largest);
            sum += probabilities[k];
        }
        for (int k = 0; k < probabilities.length; k++) {
            probabilities[k] /= sum;
        }
        return probabilities;
    }

    /** The first of the largest ones. */
    static int mostProbable(double[] probabilities) {
        int most = 0;
        for (int k = 1; k < probabilities.length; k++) {
            if (probabilities[k] > probabilities[most]) {
                most = k;
            }
        }
        return most;
    }

    /** What {@link #output} means. */
    double prediction(Instance instance, double output) {
        return switch (this) {
            case LOGISTIC -> 1 / (1 + StrictMath.exp(-output));
            case SOFTMAX -> output;
            case POISSON -> unit(instance) * StrictMath.exp(output);
            default -> instance.base + instance.scale * output;
        };
    }

    /** What the loss compares the output with, of an instance whose label is known. */
    double target(Instance instance) {
        return switch (this) {
            case SOFTMAX -> instance.label;
            case POISSON -> Math.max(0, instance.label) / unit(instance);
            default -> instance.target();
        };
    }

    /** Counts are in units of the mean of the labels before, so that the output starts near 0. */
    private static double unit(Instance instance) {
        return instance.base > 0 ? instance.base : 1;
    }
}
