// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.linalg.Arena;
import java.util.List;
import java.util.Optional;

/**
 * The product in small: a model that learns from a stream of examples. All that it remembers is in its {@link #arena()}
 * and its {@link #header()}. Examples are taken in order; a mini-batch closes by count or by the examples' own time;
 * refreshes that were asked for are installed just before the step that they are due at, and until their answer is
 * there, the learner waits.
 *
 * <p>Not thread-safe; learners of one factory share scratch memory.
 */
public final class Learner implements AutoCloseable {

    /** Told, synchronously and in order, what followed from an example or an answer. */
    public interface Listener {
        /** A step was taken. The learner is exactly as it is after this step: this is the moment to publish. */
        void stepped(StepReport report);

        /** A refresh is wanted. {@link Learner#answer} may be called at once or later, from the same thread. */
        void requested(RefreshRequest request);

        /** A mini-batch was refused and changed nothing. */
        void rejected(RejectedBatch batch);
    }

    Learner() {}

    /**
     * Takes an example, if no closed mini-batch waits for a refresh.
     *
     * @return false if it was not taken: offer it again after {@link #advance} has returned true
     */
    public boolean offer(Example example, Listener listener) {
        throw new UnsupportedOperationException("to come");
    }

    /** Takes the steps that are possible now; true if nothing waits any more. */
    public boolean advance(Listener listener) {
        throw new UnsupportedOperationException("to come");
    }

    /**
     * The stream has ended: closes the open mini-batch and learns what is left. Idempotent.
     *
     * @return false if it waits for a refresh: call again after the answer
     */
    public boolean finish(Listener listener) {
        throw new UnsupportedOperationException("to come");
    }

    /** Hands in an answer; false if it is a duplicate, was not asked for, or was computed under other numerics. */
    public boolean answer(RefreshAnswer answer) {
        throw new UnsupportedOperationException("to come");
    }

    /** Refreshes asked for and not answered yet, oldest first, with the factors they were asked for. */
    public List<RefreshRequest> outstanding() {
        throw new UnsupportedOperationException("to come");
    }

    /** Whether a closed mini-batch waits for an answer. */
    public boolean waiting() {
        throw new UnsupportedOperationException("to come");
    }

    /** The next version, or empty if no step was taken since the last one. */
    public Optional<PublishedModel> publish() {
        throw new UnsupportedOperationException("to come");
    }

    /** Parameters and optimizer tensors. */
    public Arena arena() {
        throw new UnsupportedOperationException("to come");
    }

    /** Everything else that it remembers, layout byte first. Answers that came early are not part of it. */
    public byte[] header() {
        throw new UnsupportedOperationException("to come");
    }

    public String model() {
        throw new UnsupportedOperationException("to come");
    }

    /** Steps taken. */
    public long step() {
        throw new UnsupportedOperationException("to come");
    }

    /** SHA-256 (hex) over all parameters and optimizer state. */
    public String digest() {
        throw new UnsupportedOperationException("to come");
    }

    /** Heap and native bytes it holds. */
    public long bytes() {
        throw new UnsupportedOperationException("to come");
    }

    @Override
    public void close() {}
}
