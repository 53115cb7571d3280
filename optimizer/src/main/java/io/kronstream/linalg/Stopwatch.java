// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Tells which kind of work a thread's time goes to, for a benchmark that starts it; otherwise entering and leaving cost a
 * look at one field. One at a time in a process, and only one thread may then work. It has no clock of its own: nothing
 * that learns may have one.
 */
public final class Stopwatch implements AutoCloseable {
    /** Kinds of work; what nobody enters is {@code ELEMENTWISE}. */
    public enum Work {
        /** Forward and backward pass, and forming a layer's gradient. */
        GRADIENT,
        /** Products of a gradient or momentum with bases or inverses. */
        ROTATION,
        /** Factors that follow a gradient or its statistics. */
        FACTORS,
        /** Decompositions. */
        REFRESH,
        /** All else. */
        ELEMENTWISE
    }

    private static Stopwatch running;

    private final Map<Work, Long> nanos = new EnumMap<>(Work.class);
    private Work present = Work.ELEMENTWISE;
    private final LongSupplier clock;
    private long since;

    private Stopwatch(LongSupplier clock) {
        this.clock = clock;
        this.since = clock.getAsLong();
    }

    /**
     * Starts one; the caller closes it.
     *
     * @param clock in nanoseconds
     */
    public static Stopwatch start(LongSupplier clock) {
        running = new Stopwatch(clock);
        return running;
    }

    /** Begins work of a kind, perhaps within other work, whose time then stops; returns what to leave it with. */
    public static Work enter(Work work) {
        return running == null ? null : running.turnTo(work);
    }

    /** Ends what {@link #enter} began. */
    public static void leave(Work before) {
        if (running != null && before != null) {
            running.turnTo(before);
        }
    }

    /** Nanoseconds of a kind so far. */
    public long nanos(Work work) {
        turnTo(present);
        return nanos.getOrDefault(work, 0L);
    }

    private Work turnTo(Work work) {
        long now = clock.getAsLong();
        nanos.merge(present, now - since, Long::sum);
        since = now;
        Work before = present;
        present = work;
        return before;
    }

    @Override
    public void close() {
        running = null;
    }
}
