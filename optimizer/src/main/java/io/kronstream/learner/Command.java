// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.util.Locale;
import java.util.Objects;

/**
 * What a record of the stream tells a learner to do, in place of an example. It has its place in the order of the examples
 * like any of them, so that a run over the same records does the same again.
 *
 * @param id by which a repetition is known: of the commands of one id only the first counts
 * @param kind what to do
 * @param atStep the number of the step before which it is done; 0 for before the next one
 * @param name of {@link Kind#SET}: the option, one of {@link LearnerSettings#adjustable()}; otherwise empty
 * @param value of {@link Kind#SET}: its new value, or null for that of the job; otherwise null
 */
public record Command(String id, Kind kind, long atStep, String name, String value) {

    /** What a learner can be told. */
    public enum Kind {
        /** Examples are predicted and scored as ever, and the statistics of features go on; no step is taken. */
        PAUSE,
        /** Ends {@link #PAUSE} and {@link #RETIRE}. Always at once: whoever is paused takes no steps to wait for. */
        RESUME,
        /** Publishes a version, if a step was taken since the last one. */
        PUBLISH,
        /** Gives an option another value for this model, until told otherwise. */
        SET,
        /** Withdraws what is published. The model stays in the state as it is; its examples are passed over. */
        RETIRE
    }

    /** Longest id, name and value, in characters. */
    public static final int MAX_TEXT = 200;

    public Command {
        Objects.requireNonNull(kind, "kind");
        if (id.isEmpty() || id.length() > MAX_TEXT || name.length() > MAX_TEXT) {
            throw new IllegalArgumentException("A command's id and name have at most " + MAX_TEXT + " characters");
        }
        if (value != null && value.length() > MAX_TEXT) {
            throw new IllegalArgumentException("A command's value has at most " + MAX_TEXT + " characters");
        }
        if (atStep < 0) {
            throw new IllegalArgumentException("A command's step must not be negative, was " + atStep);
        }
        if ((kind == Kind.SET) == name.isEmpty()) {
            throw new IllegalArgumentException("A command to set something, and no other, names what to set");
        }
        if (kind == Kind.RESUME && atStep > 0) {
            throw new IllegalArgumentException("'resume' cannot wait for a step: a paused model takes none");
        }
    }

    /** For messages. */
    @Override
    public String toString() {
        String text = kind.name().toLowerCase(Locale.ROOT);
        if (kind == Kind.SET) {
            text += " " + name + (value == null ? " back" : " to " + value);
        }
        return "'" + text + "'" + (atStep > 0 ? " at step " + atStep : "") + " (id " + id + ")";
    }
}
