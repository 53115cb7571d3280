// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.network.Loss;

/** What the network's output is made to mean. */
public enum Objective {
    /** {@link #SQUARED} for a regression, {@link #LOGISTIC} for a binary label. */
    AUTO,
    /** The mean, by squared loss. */
    SQUARED,
    /** The probability of a binary label, by cross-entropy. */
    LOGISTIC,
    /** The mean of a count, or of another label from 0 on, as an exponential; a negative label counts as 0. */
    POISSON,
    /** A quantile. */
    QUANTILE;

    /** The one that it stands for with a task. */
    Objective of(Task task) {
        if (this != AUTO) {
            return this;
        }
        return task == Task.BINARY ? LOGISTIC : SQUARED;
    }

    /** Of an objective that is not {@link #AUTO}. */
    Loss loss(double level) {
        return switch (this) {
            case LOGISTIC -> Loss.BINARY_CROSS_ENTROPY;
            case POISSON -> Loss.POISSON;
            case QUANTILE -> Loss.quantile(level);
            default -> Loss.MEAN_SQUARED_ERROR;
        };
    }

    /** What an output of the network means for an instance. */
    double prediction(Instance instance, double output) {
        return switch (this) {
            case LOGISTIC -> 1 / (1 + StrictMath.exp(-output));
            case POISSON -> unit(instance) * StrictMath.exp(output);
            default -> instance.base + instance.scale * output;
        };
    }

    /** What the loss compares the output with, of an instance whose label is known. */
    double target(Instance instance) {
        return this == POISSON ? Math.max(0, instance.label) / unit(instance) : instance.target();
    }

    /** Counts are in units of the mean of the labels before, so that the output starts near 0. */
    private static double unit(Instance instance) {
        return instance.base > 0 ? instance.base : 1;
    }
}
