// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.RefreshAnswer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

/**
 * The short way: an answer for a subtask of this process is handed over in memory, by the sender's thread and without a
 * copy; one for another process takes the channel beyond. All local channels of one name are the same one.
 */
public final class LocalChannel implements TensorChannel {
    private static final long serialVersionUID = 1;
    private static final ConcurrentMap<String, List<Reader>> READERS = new ConcurrentHashMap<>();

    private final String name;
    private final TensorChannel beyond;

    /** @param beyond the way to other processes */
    public LocalChannel(String name, TensorChannel beyond) {
        this.name = Objects.requireNonNull(name);
        this.beyond = Objects.requireNonNull(beyond);
    }

    /** A channel that ends with this process: an answer that nobody here reads is lost, as on every channel. */
    public static LocalChannel only(String name) {
        return new LocalChannel(name, new Nowhere());
    }

    @Override
    public AutoCloseable read(int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer)
            throws Exception {
        AutoCloseable fromBeyond = beyond.read(subtask, parallelism, maxParallelism, onAnswer);
        Reader reader = new Reader(subtask, parallelism, maxParallelism, onAnswer);
        READERS.compute(name, (key, readers) -> {
            List<Reader> all = readers == null ? new CopyOnWriteArrayList<>() : readers;
            all.add(reader);
            return all;
        });
        return () -> {
            READERS.computeIfPresent(name, (key, readers) -> {
                readers.remove(reader);
                return readers.isEmpty() ? null : readers;
            });
            reader.close();
            fromBeyond.close();
        };
    }

    @Override
    public Writer write(int parallelism, int maxParallelism) throws Exception {
        Writer toBeyond = beyond.write(parallelism, maxParallelism);
        return new Writer() {
            @Override
            public void send(RefreshAnswer answer) throws Exception {
                boolean taken = false;
                for (Reader reader : READERS.getOrDefault(name, List.of())) {
                    taken |= reader.take(answer);
                }
                if (!taken) {
                    toBeyond.send(answer);
                }
            }

            @Override
            public void close() {
                toBeyond.close();
            }
        };
    }

    /** A reading subtask of this process. */
    private static final class Reader {
        private final int subtask;
        private final int parallelism;
        private final int maxParallelism;
        private final Consumer<RefreshAnswer> onAnswer;
        private boolean closed;

        Reader(int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer) {
            this.subtask = subtask;
            this.parallelism = parallelism;
            this.maxParallelism = maxParallelism;
            this.onAnswer = onAnswer;
        }

        /** Hands the answer on if its model belongs to this subtask; false if not. */
        synchronized boolean take(RefreshAnswer answer) {
            boolean owns =
                    KeyGroupRangeAssignment.assignKeyToParallelOperator(answer.model(), maxParallelism, parallelism)
                            == subtask;
            if (closed || !owns) {
                return false;
            }
            onAnswer.accept(answer);
            return true;
        }

        /** When this returns, no answer is handed on any more. */
        synchronized void close() {
            closed = true;
        }
    }

    private static final class Nowhere implements TensorChannel {
        private static final long serialVersionUID = 1;

        @Override
        public AutoCloseable read(int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer) {
            return () -> {};
        }

        @Override
        public Writer write(int parallelism, int maxParallelism) {
            return new Writer() {
                @Override
                public void send(RefreshAnswer answer) {}

                @Override
                public void close() {}
            };
        }
    }
}
