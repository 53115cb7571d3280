// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import java.io.Serializable;
import java.util.List;

/**
 * The names of a job's topics.
 *
 * @param prefix what all of them start with; 1 to 200 of the characters that Kafka allows
 */
public record Topics(String prefix) implements Serializable {

    public Topics {
        if (!prefix.matches("[a-zA-Z0-9._-]{1,200}")) {
            throw new IllegalArgumentException(
                    "A topic prefix must be 1 to 200 letters, digits, '.', '_' or '-', was '" + prefix + "'");
        }
    }

    /** Records to learn from. */
    public String examples() {
        return prefix + ".examples";
    }

    /** Records and batches that could not be learned from, with the reason. */
    public String deadLetters() {
        return prefix + ".examples.dlq";
    }

    /** Published models; compacted. */
    public String models() {
        return prefix + ".models";
    }

    /** In arrival mode, what was learned from which version to which; never compacted. */
    public String journal() {
        return prefix + ".journal";
    }

    /** Predictions beside the truth. */
    public String scores() {
        return prefix + ".scores";
    }

    /** How good the models are, by windows of time. */
    public String metrics() {
        return prefix + ".metrics";
    }

    /** Refresh answers on their way back to TRAIN. */
    public String channel() {
        return prefix + ".channel";
    }

    /** Which topics a job with a pattern learns from, in the order of their places; never compacted. */
    public String register() {
        return prefix + ".topics";
    }

    /** The consumer group that tells how far the job's checkpoints have come in the examples. */
    public String trainGroup() {
        return prefix + ".train";
    }

    /** Whether this is one that the job writes. */
    public boolean isOwn(String topic) {
        return List.of(deadLetters(), models(), journal(), scores(), metrics(), channel(), register())
                .contains(topic);
    }
}
