// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How commands have left a model, as its published versions say it.
 *
 * @param paused whether it takes no steps
 * @param values options that have another value than the job's, by name
 * @param applied the last commands that were carried out, oldest first
 */
public record ControlState(boolean paused, SortedMap<String, String> values, List<Applied> applied) {

    /** Of a model that was never told anything. */
    public static final ControlState NONE = new ControlState(false, new TreeMap<>(), List.of());

    /**
     * A command that was carried out.
     *
     * @param id the command's
     * @param command {@code pause}, {@code set}, ...
     * @param name the option that was set, or empty
     * @param value its new value; null for the job's own, and of other commands
     * @param step the step before which it was carried out
     * @param partition Kafka partition of its record
     * @param offset its offset
     */
    public record Applied(
            String id, String command, String name, String value, long step, int partition, long offset) {}

    public ControlState {
        values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
        applied = List.copyOf(applied);
    }
}
