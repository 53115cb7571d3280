// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.RefreshAnswer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

/**
 * A channel within one JVM: all channels of one name are the same one. An answer that nobody reads is lost, as on every
 * {@link TensorChannel}.
 */
public final class InMemoryChannel implements TensorChannel {
    private static final long serialVersionUID = 1;
    private static final ConcurrentMap<String, List<Reader>> READERS = new ConcurrentHashMap<>();

    private final String name;

    public InMemoryChannel(String name) {
        this.name = Objects.requireNonNull(name);
    }

    @Override
    public AutoCloseable read(int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer) {
        Reader reader = new Reader(name, subtask, parallelism, maxParallelism, onAnswer);
        READERS.computeIfAbsent(name, key -> new CopyOnWriteArrayList<>()).add(reader);
        return () -> {
            READERS.computeIfPresent(name, (key, readers) -> {
                readers.remove(reader);
                return readers.isEmpty() ? null : readers;
            });
            reader.thread.shutdownNow();
        };
    }

    @Override
    public Writer write(int parallelism, int maxParallelism) {
        return new Writer() {
            @Override
            public void send(RefreshAnswer answer) {
                READERS.getOrDefault(name, List.of()).forEach(reader -> reader.offer(answer));
            }

            @Override
            public void close() {}
        };
    }

    private static final class Reader {
        private final int subtask;
        private final int parallelism;
        private final int maxParallelism;
        private final Consumer<RefreshAnswer> onAnswer;
        private final ExecutorService thread;

        Reader(String name, int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer) {
            this.subtask = subtask;
            this.parallelism = parallelism;
            this.maxParallelism = maxParallelism;
            this.onAnswer = onAnswer;
            this.thread = Executors.newSingleThreadExecutor(work -> {
                Thread created = new Thread(work, "channel " + name + " of subtask " + subtask);
                created.setDaemon(true);
                return created;
            });
        }

        void offer(RefreshAnswer answer) {
            int owner =
                    KeyGroupRangeAssignment.assignKeyToParallelOperator(answer.model(), maxParallelism, parallelism);
            if (owner != subtask) {
                return;
            }
            try {
                thread.execute(() -> onAnswer.accept(answer));
            } catch (RejectedExecutionException e) {
                // closed in the meantime: the answer is lost, and whoever restarts asks again
            }
        }
    }
}
