// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.RefreshAnswer;
import java.io.Serializable;
import java.util.function.Consumer;

/**
 * The versioned way back from EIGEN-REFRESH to TRAIN. It may lose, repeat, delay and reorder answers: TRAIN applies each
 * version at most once and asks again for what it misses. It never waits for a checkpoint.
 */
public interface TensorChannel extends Serializable {

    /**
     * Starts to read. The position is fixed before this returns: no answer to a request that is sent afterwards is
     * missed.
     *
     * @param subtask index of the reading TRAIN subtask
     * @param parallelism parallelism of TRAIN
     * @param maxParallelism its maximum parallelism
     * @param onAnswer called for answers whose model belongs to this subtask, from any thread, several at a time; must not
     *     wait
     */
    AutoCloseable read(int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer)
            throws Exception;

    /** Opens the writing side, for a TRAIN of this parallelism. */
    Writer write(int parallelism, int maxParallelism) throws Exception;

    /** Sends answers. Not thread-safe. */
    interface Writer extends AutoCloseable {
        void send(RefreshAnswer answer) throws Exception;

        @Override
        void close();
    }
}
