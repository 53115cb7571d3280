// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;

/** A learner in memory, and the examples that wait in front of it. Whoever changes it tells its {@link LearnerStore}. */
public final class ResidentLearner {
    private final Learner learner;
    private final Deque<Example> parked = new ArrayDeque<>();
    private long parkedBytes;

    // what the store knows of it
    long heapBytes;
    long nativeBytes;
    boolean dirty;
    boolean arenaStored;
    int storedBlocks;
    boolean parkedChanged;
    int parkedEntries;

    ResidentLearner(Learner learner) {
        this.learner = learner;
    }

    public Learner learner() {
        return learner;
    }

    public boolean hasParked() {
        return !parked.isEmpty();
    }

    /** The example that has waited longest; null if none waits. */
    public Example firstParked() {
        return parked.peekFirst();
    }

    /** Whether it cannot learn before an answer comes. */
    boolean isWaiting() {
        return hasParked() || learner.waiting();
    }

    /** Whether it has asked for a refresh and not been answered. */
    boolean hasOutstanding() {
        return learner.hasOutstanding();
    }

    Collection<Example> parked() {
        return parked;
    }

    long parkedBytes() {
        return parkedBytes;
    }

    void park(Example example) {
        parked.addLast(example);
        parkedBytes += example.bytes();
        parkedChanged = true;
    }

    void unpark() {
        parkedBytes -= parked.removeFirst().bytes();
        parkedChanged = true;
    }
}
