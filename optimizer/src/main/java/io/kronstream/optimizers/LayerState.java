// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;

/** An optimizer's memory of one layer: the tensors and counters of an arena whose names start with a prefix. */
public final class LayerState {
    private final Arena arena;
    private final String prefix;

    public LayerState(Arena arena, String prefix) {
        this.arena = arena;
        this.prefix = prefix;
    }

    public Matrix tensor(String name) {
        return arena.tensor(prefix + name);
    }

    /** Whether a counter of this name was declared. */
    boolean hasCounter(String name) {
        return arena.counters().contains(prefix + name);
    }

    /** The part of this state whose names start with a prefix of their own. */
    LayerState within(String inner) {
        return new LayerState(arena, prefix + inner);
    }

    public long counter(String name) {
        return arena.counter(prefix + name);
    }

    public void setCounter(String name, long value) {
        arena.setCounter(prefix + name, value);
    }

    /** Says that one row of a tensor has changed. */
    public void markRowDirty(String name, int row) {
        arena.markRowDirty(prefix + name, row);
    }

    /** Says that a tensor has changed. */
    public void markDirty(String name) {
        arena.markDirty(prefix + name);
    }
}
