// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import java.io.Serializable;

/**
 * How a job's topics are created.
 *
 * @param examplePartitions partitions of the examples, control, models and scores topics; bounds the parallelism of
 *     reading
 * @param channelPartitions partitions of the channel topic; at least TRAIN's parallelism
 * @param replication copies of each record; 0 for the broker's default
 */
public record TopicSettings(int examplePartitions, int channelPartitions, int replication) implements Serializable {

    /** Bytes of the largest record a topic of models or of the channel takes; chunks stay well below it. */
    public static final int MAX_RECORD_BYTES = 1 << 20;

    public TopicSettings {
        if (examplePartitions < 1 || examplePartitions > 10_000) {
            throw new IllegalArgumentException(
                    "The examples topic must have 1 to 10000 partitions, was " + examplePartitions);
        }
        if (channelPartitions < 1 || channelPartitions > 10_000) {
            throw new IllegalArgumentException(
                    "The channel topic must have 1 to 10000 partitions, was " + channelPartitions);
        }
        if (replication < 0 || replication > Short.MAX_VALUE) {
            throw new IllegalArgumentException("The replication must lie in [0, 32767], was " + replication);
        }
    }

    public static TopicSettings of(int examplePartitions, int trainParallelism) {
        return new TopicSettings(examplePartitions, trainParallelism, 0);
    }
}
