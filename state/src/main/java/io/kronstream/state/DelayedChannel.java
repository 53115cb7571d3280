// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.RefreshAnswer;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Fault injection: holds each answer back on the reading side, for a random time between half the given delay and all of
 * it, and so delays and reorders answers without ever blocking the sender. What is still held back when the reader
 * closes is lost.
 */
public final class DelayedChannel implements TensorChannel {
    private static final long serialVersionUID = 1;

    private final TensorChannel inner;
    private final long maxDelayMillis;
    private final long seed;
    private final String onlyModel;

    /**
     * @param inner the channel that carries the answers
     * @param maxDelayMillis longest delay, not negative
     * @param seed of the delays; each reading subtask has its own sequence
     * @param onlyModel the only model whose answers are held back, or null for all
     */
    public DelayedChannel(TensorChannel inner, long maxDelayMillis, long seed, String onlyModel) {
        if (maxDelayMillis < 0) {
            throw new IllegalArgumentException("The delay must not be negative, was " + maxDelayMillis + " ms");
        }
        this.inner = Objects.requireNonNull(inner);
        this.maxDelayMillis = maxDelayMillis;
        this.seed = seed;
        this.onlyModel = onlyModel;
    }

    @Override
    public AutoCloseable read(int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer)
            throws Exception {
        ScheduledThreadPoolExecutor thread = new ScheduledThreadPoolExecutor(1, work -> {
            Thread created = new Thread(work, "delayed channel of subtask " + subtask);
            created.setDaemon(true);
            return created;
        });
        SplittableRandom random = new SplittableRandom(seed + subtask);
        AutoCloseable reading = inner.read(subtask, parallelism, maxParallelism, answer -> {
            if (onlyModel != null && !onlyModel.equals(answer.model())) {
                onAnswer.accept(answer);
                return;
            }
            long delay;
            synchronized (random) {
                delay = random.nextLong(maxDelayMillis / 2, maxDelayMillis + 1);
            }
            try {
                thread.schedule(() -> onAnswer.accept(answer), delay, TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException e) {
                // closed in the meantime: the answer is lost
            }
        });
        return () -> {
            try (reading) {
                thread.shutdownNow();
            }
        };
    }

    @Override
    public Writer write(int parallelism, int maxParallelism) throws Exception {
        return inner.write(parallelism, maxParallelism);
    }
}
