// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.util.Locale;

/** What the order of a model's examples rests on. */
public enum Mode {
    /** The examples of a model come from one partition, and nothing depends on the clock: every run is the same. */
    ORDERED,
    /**
     * They may come from several partitions, and the clock may close mini-batches and publish. What came in which order is
     * journalled, so that every version can be replayed.
     */
    ARRIVAL;

    /** As it stands in job files and manifests. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
