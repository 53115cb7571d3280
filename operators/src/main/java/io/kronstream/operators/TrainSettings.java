// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Mode;
import io.kronstream.state.Origins;
import java.io.Serializable;
import java.util.Objects;

/**
 * What TRAIN needs to know.
 *
 * @param learner what each model is and how it learns
 * @param refresh where refreshes are computed
 * @param publishEvery steps between two published versions of a model
 * @param refreshDeadlineMillis how long TRAIN waits for an answer before it computes it itself
 * @param parkedBytes heap bytes of examples that may wait in front of their models; beyond them the subtask stands still
 * @param cacheBytes heap and native bytes of the models that a subtask keeps in memory
 * @param origins what the partition numbers of the examples stand for
 * @param clock what the clock triggers, in arrival mode
 */
public record TrainSettings(
        LearnerSettings learner,
        RefreshMode refresh,
        long publishEvery,
        long refreshDeadlineMillis,
        long parkedBytes,
        long cacheBytes,
        Origins origins,
        Clock clock)
        implements Serializable {

    /**
     * @param batchMaxWaitMillis after which an open mini-batch is closed; 0 for never
     * @param publishMillis between two looks at what can be published; 0 for none
     */
    public record Clock(long batchMaxWaitMillis, long publishMillis) implements Serializable {
        /** Nothing depends on the clock. */
        public static final Clock NONE = new Clock(0, 0);

        public Clock {
            if (batchMaxWaitMillis < 0 || publishMillis < 0) {
                throw new IllegalArgumentException("The clock's intervals must not be negative, were "
                        + batchMaxWaitMillis + " and " + publishMillis);
            }
        }
    }

    private static final long MAX_DEADLINE_MILLIS = 86_400_000;

    public TrainSettings {
        Objects.requireNonNull(learner, "learner");
        Objects.requireNonNull(refresh, "refresh");
        Objects.requireNonNull(origins, "origins");
        if (!learner.problems().isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", learner.problems()));
        }
        if (learner.mode() == Mode.ORDERED && !clock.equals(Clock.NONE)) {
            throw new IllegalArgumentException("Nothing may depend on the clock in ordered mode");
        }
        checkPositive("publishEvery", publishEvery);
        checkPositive("refreshDeadlineMillis", refreshDeadlineMillis);
        if (refreshDeadlineMillis > MAX_DEADLINE_MILLIS) {
            throw new IllegalArgumentException("refreshDeadlineMillis must be at most " + MAX_DEADLINE_MILLIS
                    + " (a day), was " + refreshDeadlineMillis);
        }
        checkPositive("parkedBytes", parkedBytes);
        checkPositive("cacheBytes", cacheBytes);
    }

    private static void checkPositive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, was " + value);
        }
    }
}
