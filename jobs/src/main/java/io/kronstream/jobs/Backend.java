// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import java.util.Locale;

/** Flink's state backends. */
public enum Backend {
    /** On disk; a checkpoint writes what has changed. */
    ROCKSDB,
    /** On the heap; a checkpoint writes everything, most of it while training goes on. */
    HASHMAP;

    /** As Flink and the options name it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
