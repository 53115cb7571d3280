// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.RefreshMethod;
import java.util.List;

/** The knobs that mean the same in many optimizers; each gives them its own default. */
public final class Knobs {
    public static final Knob<Double> LEARNING_RATE = Knob.positive("learning-rate", 1e-3, "Step size.");

    /** Steps between two refreshes; an optimizer without refreshes does not have it. */
    public static final Knob<Integer> REFRESH_INTERVAL = Knob.count(
            "refresh-interval", 1, 10, "Steps between two refreshes; short ones cost cubic work more often.");

    public static final Knob<RefreshMethod> REFRESH_METHOD = Knob.choice(
            "refresh-method",
            List.of(RefreshMethod.QR_ITERATION, RefreshMethod.EIGENDECOMPOSITION),
            "How an eigenbasis is refreshed; a full decomposition costs several times a QR iteration.");

    static final Knob<Double> BETA1 = Knob.decay("beta1", 0.9, "Decay of the first moment.");
    static final Knob<Double> BETA2 = Knob.decay("beta2", 0.999, "Decay of the second moment.");
    static final Knob<Double> EPSILON = Knob.epsilon("epsilon", 1e-8, "Added to the denominator.");

    private Knobs() {}
}
