// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.channel;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.state.TensorChannel;
import java.util.function.Consumer;

/**
 * The tensor channel over a Kafka topic. An answer travels in pieces to the partition whose number is the index of the
 * TRAIN subtask that owns the answer's model, and each subtask reads that partition alone. At least once and at once:
 * no transactions, no waiting for other records.
 */
public final class KafkaTensorChannel implements TensorChannel {
    private static final long serialVersionUID = 1;

    private final KafkaSettings settings;
    private final String topic;

    /** @param topic the channel topic, with at least as many partitions as TRAIN has subtasks */
    public KafkaTensorChannel(KafkaSettings settings, String topic) {
        this.settings = settings;
        this.topic = topic;
    }

    /** @throws ConnectorException if the topic cannot be reached or has no partition for this subtask */
    @Override
    public ChannelReader read(int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer) {
        return new ChannelReader(settings, topic, subtask, parallelism, maxParallelism, onAnswer);
    }

    /** @throws ConnectorException if the topic cannot be reached or has too few partitions */
    @Override
    public Writer write(int parallelism, int maxParallelism) {
        return new ChannelWriter(settings, topic, parallelism, maxParallelism);
    }

    static void requirePartitions(String topic, int present, int parallelism) {
        if (present < parallelism) {
            throw new ConnectorException(
                    "Topic " + topic + " has " + present + " partitions, but TRAIN has a parallelism of " + parallelism
                            + " and needs as many: add partitions to it");
        }
    }
}
