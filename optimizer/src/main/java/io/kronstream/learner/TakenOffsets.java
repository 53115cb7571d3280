// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Of each partition the offset of the first record that was taken and the highest one. Records of one partition come in
 * runs, so the newest offset is kept aside: one that goes on where the last one was costs no search and no object.
 */
final class TakenOffsets {
    private final SortedMap<Integer, Long> first = new TreeMap<>();
    private final SortedMap<Integer, Long> last = new TreeMap<>();

    /** The partition of the record that came last, or -1, and its highest offset, which {@link #last} may not have yet. */
    private int partition = -1;

    private long offset;

    void add(int of, long at) {
        if (of != partition) {
            last();
            first.putIfAbsent(of, at);
            partition = of;
            offset = last.getOrDefault(of, at);
        }
        offset = Math.max(offset, at);
    }

    boolean isEmpty() {
        return partition < 0 && last.isEmpty();
    }

    boolean contains(int of) {
        return of == partition || last.containsKey(of);
    }

    /** Not to be changed. */
    SortedMap<Integer, Long> first() {
        return first;
    }

    /** Not to be changed. */
    SortedMap<Integer, Long> last() {
        if (partition >= 0) {
            last.put(partition, offset);
        }
        return last;
    }

    /** Takes over what was stored; nothing was added before. */
    void restore(SortedMap<Integer, Long> from, SortedMap<Integer, Long> through) {
        first.putAll(from);
        last.putAll(through);
    }
}
