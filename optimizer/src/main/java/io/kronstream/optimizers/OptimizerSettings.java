// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.RefreshMethod;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Every knob of the optimizers; one that an optimizer does not have, it ignores.
 *
 * @param name {@code dykaf}, {@code adam}, ...: see {@link Optimizers#names()}
 * @param learningRate step size
 * @param beta1 decay of the first moment, in [0, 1); SGD's momentum
 * @param beta2 decay of the second moment, in [0, 1)
 * @param factorBeta decay of the Kronecker factors, in [0, 1)
 * @param epsilon added to the denominator
 * @param weightDecay decoupled weight decay (DyKAF, SOAP, AdamW); added to the gradient by Adam and SGD
 * @param refreshInterval steps between two refreshes of the eigenbases
 * @param refreshMethod how a refresh is done
 * @param integrator how DyKAF's factors follow the gradients
 * @param start how DyKAF's factors start
 * @param rankOneSecondMoment whether DyKAF keeps its second moment as an outer product
 */
public record OptimizerSettings(
        String name,
        double learningRate,
        double beta1,
        double beta2,
        double factorBeta,
        double epsilon,
        double weightDecay,
        int refreshInterval,
        RefreshMethod refreshMethod,
        Integrator integrator,
        Start start,
        boolean rankOneSecondMoment)
        implements Serializable {

    /** Projector splitting of DyKAF's factor step. */
    public enum Integrator {
        /** K step, then L step with the new left factor (Lubich and Oseledets 2014): the default. */
        SEQUENTIAL,
        /** Basis update and Galerkin step of the authors' {@code dykaf.py} (Ceruti and Lubich 2022). */
        PARALLEL,
        /** The order of the authors' {@code dykaf_with_parallel_proj_split.py}: L step with the old left factor. */
        SEQUENTIAL_OLD_LEFT
    }

    /** Start of DyKAF's factors. */
    public enum Start {
        /** {@code e I / sqrt(n)} with e = 1e-3 times the norm of the first gradient: the default. */
        RELATIVE_EPSILON,
        /** The same with e = 1e-3, as the authors' code has it. */
        ABSOLUTE_EPSILON,
        /** Leading singular triple of the first gradient, with ridge and deterministic completion. */
        KRON
    }

    /**
     * The defaults of one optimizer. DyKAF's decays are those of its authors' command line, and 0.99 for the factors:
     * on real streams they forecast better than the 0.95 of their optimizer class. SOAP has the same.
     */
    public static OptimizerSettings defaults(String name) {
        double rate =
                switch (name) {
                    case "adam", "adamw" -> 1e-3;
                    case "sgd", "nesterov" -> 1e-2;
                    default -> 3e-3;
                };
        return new OptimizerSettings(
                name,
                rate,
                0.9,
                0.999,
                0.99,
                1e-8,
                name.equals("adamw") ? 1e-2 : 0,
                10,
                RefreshMethod.QR_ITERATION,
                Integrator.SEQUENTIAL,
                Start.RELATIVE_EPSILON,
                false);
    }

    public OptimizerSettings withLearningRate(double rate) {
        return new OptimizerSettings(
                name,
                rate,
                beta1,
                beta2,
                factorBeta,
                epsilon,
                weightDecay,
                refreshInterval,
                refreshMethod,
                integrator,
                start,
                rankOneSecondMoment);
    }

    public OptimizerSettings withWeightDecay(double decay) {
        return new OptimizerSettings(
                name,
                learningRate,
                beta1,
                beta2,
                factorBeta,
                epsilon,
                decay,
                refreshInterval,
                refreshMethod,
                integrator,
                start,
                rankOneSecondMoment);
    }

    public OptimizerSettings withRefreshInterval(int interval) {
        return new OptimizerSettings(
                name,
                learningRate,
                beta1,
                beta2,
                factorBeta,
                epsilon,
                weightDecay,
                interval,
                refreshMethod,
                integrator,
                start,
                rankOneSecondMoment);
    }

    /** Everything that is wrong, one sentence each. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        if (!(learningRate > 0) || learningRate > 1e6) {
            problems.add("'learning-rate' must be positive, was " + learningRate);
        }
        checkDecay("beta1", beta1, problems);
        checkDecay("beta2", beta2, problems);
        checkDecay("factor-beta", factorBeta, problems);
        if (!(epsilon > 0) || epsilon > 1) {
            problems.add("'epsilon' must lie in (0, 1], was " + epsilon);
        }
        if (!(weightDecay >= 0) || weightDecay >= 1) {
            problems.add("'weight-decay' must lie in [0, 1), was " + weightDecay);
        }
        if (refreshInterval < 1) {
            problems.add("'refresh-interval' must be at least 1, was " + refreshInterval);
        }
        return problems;
    }

    private static void checkDecay(String option, double value, List<String> problems) {
        if (!(value >= 0) || value >= 1) {
            problems.add("'" + option + "' must lie in [0, 1), was " + value);
        }
    }
}
