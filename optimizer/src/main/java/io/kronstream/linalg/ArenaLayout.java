// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Where the tensors and counters of an {@link Arena} lie. Immutable, and shared by all arenas that look alike. */
public final class ArenaLayout {
    private final List<TensorSpec> tensors;
    private final List<String> counters;
    private final Map<String, Integer> tensorIndexes;
    private final Map<String, Integer> counterIndexes;
    private final long[] packedStarts;
    private final long elements;

    /** @throws IllegalArgumentException if a name is declared twice */
    public ArenaLayout(List<TensorSpec> tensors, List<String> counters) {
        this.tensors = List.copyOf(tensors);
        this.counters = List.copyOf(counters);
        this.tensorIndexes = index(this.tensors.stream().map(TensorSpec::name).toList(), "Tensor");
        this.counterIndexes = index(this.counters, "Counter");
        this.packedStarts = new long[this.tensors.size() + 1];
        long length = 0;
        for (int i = 0; i < this.tensors.size(); i++) {
            packedStarts[i + 1] = packedStarts[i] + this.tensors.get(i).packedLength();
            length += elements(this.tensors.get(i));
        }
        this.elements = length;
    }

    public List<TensorSpec> tensors() {
        return tensors;
    }

    public List<String> counters() {
        return counters;
    }

    /** Elements of all tensors, symmetric ones as squares. */
    public long elements() {
        return elements;
    }

    static long elements(TensorSpec spec) {
        return (long) spec.rows() * spec.columns();
    }

    /** Where each tensor starts in the packed sequence, and last where the sequence ends. Not to be changed. */
    long[] packedStarts() {
        return packedStarts;
    }

    int tensor(String name) {
        Integer index = tensorIndexes.get(name);
        if (index == null) {
            throw new IllegalArgumentException("Unknown tensor " + name + "; there are " + tensorIndexes.keySet());
        }
        return index;
    }

    int counter(String name) {
        Integer index = counterIndexes.get(name);
        if (index == null) {
            throw new IllegalArgumentException("Unknown counter " + name + "; there are " + counters);
        }
        return index;
    }

    private static Map<String, Integer> index(List<String> names, String kind) {
        Map<String, Integer> indexes = new HashMap<>(2 * names.size());
        for (String name : names) {
            if (indexes.put(name, indexes.size()) != null) {
                throw new IllegalArgumentException(kind + " " + name + " is declared twice");
            }
        }
        return indexes;
    }
}
