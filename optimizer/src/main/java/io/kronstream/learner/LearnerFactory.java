// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

/** Creates the learners of one thread, which share its scratch memory. Not thread-safe. */
public final class LearnerFactory implements AutoCloseable {
    private final LearnerSettings settings;

    public LearnerFactory(LearnerSettings settings) {
        this.settings = settings;
    }

    /** A learner that has seen nothing; its parameters depend on the seed and the model's id alone. */
    public Learner create(String model) {
        throw new UnsupportedOperationException("to come");
    }

    /**
     * A learner as it was when {@link Learner#header()} was taken. Its arena is still zero: the caller unpacks the
     * stored elements into {@link Learner#arena()} before using it.
     *
     * @throws IllegalArgumentException if the header's layout is newer than this code's or its configuration differs
     */
    public Learner restore(String model, byte[] header) {
        throw new UnsupportedOperationException("to come");
    }

    @Override
    public void close() {}
}
