// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import java.util.ArrayList;
import java.util.List;

/**
 * What can be put around any optimizer: a schedule of its rate, clipping of its gradients, weight decay, averaged
 * parameters. Everything is a function of the number of the step, k = 1, 2, ..., and of what the state holds.
 *
 * <pre>
 *   warm-up w      s = min(1, k / w)
 *   constant       s
 *   inverse_sqrt   s up to w, then sqrt(max(1, w) / k)
 *   cosine         s (f + (1 - f) (1 + cos(pi min(1, max(0, k - w) / T))) / 2)
 *   step           s f^floor(max(0, k - w) / T)
 * </pre>
 */
record Surroundings(
        Schedule schedule,
        int warmUp,
        int scheduleSteps,
        double scheduleFactor,
        double clipNorm,
        double clipValue,
        double coupledDecay,
        double decoupledDecay,
        Averaging averaging,
        double averageDecay) {

    /** How the rate changes. */
    enum Schedule {
        /** Not at all, and without a warm-up. */
        NONE,
        CONSTANT,
        INVERSE_SQRT,
        COSINE,
        STEP
    }

    /** What running means of the parameters are for. */
    enum Averaging {
        NONE,
        /** Published in the place of the parameters, which predict within the job. */
        PUBLISHED,
        /** Published, and used for the predictions within the job; costs a forward pass per mini-batch. */
        PREDICTING
    }

    static final Knob<Schedule> SCHEDULE = Knob.choice(
                    "schedule", Schedule.NONE, "How the rate changes with the steps; costs a copy of the parameters.")
            .structural();
    static final Knob<Integer> WARM_UP =
            Knob.count("warm-up", 0, 0, "Steps in which a schedule raises the rate from zero; 0 for none.");
    static final Knob<Integer> SCHEDULE_STEPS = Knob.count(
            "schedule-steps", 1, 10_000, "Steps of the schedules cosine, to its end, and step, between its drops.");
    static final Knob<Double> SCHEDULE_FACTOR = Knob.epsilon(
            "schedule-factor", 0.1, "Of the rate: what is left at the end of cosine, or after each drop of step.");
    static final Knob<Double> CLIP_NORM = Knob.nonNegative(
            "clip-norm",
            0,
            "Largest norm of the gradient of all layers together; 0 for none. Costs a copy when it clips.");
    static final Knob<Double> CLIP_VALUE =
            Knob.nonNegative("clip-value", 0, "Largest entry of a gradient; 0 for none. Costs a copy of the gradient.");
    static final Knob<Double> COUPLED_DECAY = Knob.decay(
            "coupled-decay",
            0,
            "Pull of the parameters towards zero, as a part of the gradient, of which it costs a copy.");
    static final Knob<Double> DECOUPLED_DECAY =
            Knob.decay("decoupled-decay", 0, "Pull of the parameters towards zero, in units of the learning rate.");
    static final Knob<Averaging> AVERAGING = Knob.choice(
                    "averaging",
                    Averaging.NONE,
                    "What running means of the parameters are for; they cost mn numbers of state.")
            .structural();
    static final Knob<Double> AVERAGE_DECAY =
            Knob.decay("average-decay", 0.999, "Decay of the averaged parameters; at step k it is at most 1 - 1/k.");

    private static final List<Knob<?>> ALL = List.of(
            SCHEDULE,
            WARM_UP,
            SCHEDULE_STEPS,
            SCHEDULE_FACTOR,
            CLIP_NORM,
            CLIP_VALUE,
            COUPLED_DECAY,
            DECOUPLED_DECAY,
            AVERAGING,
            AVERAGE_DECAY);

    /** Their state is a function of the rate, or they decay in their own way. */
    private static final List<Knob<?>> NOT_FOR_FTRL =
            List.of(SCHEDULE, WARM_UP, SCHEDULE_STEPS, SCHEDULE_FACTOR, COUPLED_DECAY, DECOUPLED_DECAY);

    /** The knobs that an optimizer has beside its own: not the form of decay that it has itself. */
    static List<Knob<?>> knobs(List<Knob<?>> own) {
        List<Knob<?>> knobs = new ArrayList<>(ALL);
        if (own.contains(FTRL.L2)) {
            knobs.removeAll(NOT_FOR_FTRL);
        }
        if (own.contains(Adam.WEIGHT_DECAY) || own.contains(SGD.WEIGHT_DECAY)) {
            knobs.remove(COUPLED_DECAY);
        } else if (own.stream().anyMatch(knob -> knob.name().equals(AdamW.WEIGHT_DECAY.name()))) {
            knobs.remove(DECOUPLED_DECAY);
        }
        return knobs;
    }

    static Surroundings of(OptimizerSettings settings) {
        return new Surroundings(
                get(settings, SCHEDULE),
                get(settings, WARM_UP),
                get(settings, SCHEDULE_STEPS),
                get(settings, SCHEDULE_FACTOR),
                get(settings, CLIP_NORM),
                get(settings, CLIP_VALUE),
                get(settings, COUPLED_DECAY),
                get(settings, DECOUPLED_DECAY),
                get(settings, AVERAGING),
                get(settings, AVERAGE_DECAY));
    }

    private static <T> T get(OptimizerSettings settings, Knob<T> knob) {
        return settings.has(knob) ? settings.get(knob) : knob.defaultValue();
    }

    /** Whether there is nothing around the optimizer. */
    boolean isEmpty() {
        return schedule == Schedule.NONE
                && clipNorm == 0
                && clipValue == 0
                && coupledDecay == 0
                && decoupledDecay == 0
                && averaging == Averaging.NONE;
    }

    /** Whether the number of the step matters. */
    boolean countsSteps() {
        return schedule != Schedule.NONE || averaging != Averaging.NONE;
    }

    /** Of the rate at step k, from 1. */
    double factor(long k) {
        if (schedule == Schedule.NONE) {
            return 1;
        }
        double warm = warmUp > 0 ? Math.min(1, (double) k / warmUp) : 1;
        double past = (double) Math.max(0, k - warmUp) / scheduleSteps;
        return switch (schedule) {
            case NONE, CONSTANT -> warm;
            case INVERSE_SQRT -> k <= warmUp ? warm : Math.sqrt(Math.max(1, warmUp) / (double) k);
            case COSINE -> warm
                    * (scheduleFactor + (1 - scheduleFactor) * (1 + StrictMath.cos(Math.PI * Math.min(1, past))) / 2);
            case STEP -> warm * StrictMath.pow(scheduleFactor, Math.floor(past));
        };
    }
}
