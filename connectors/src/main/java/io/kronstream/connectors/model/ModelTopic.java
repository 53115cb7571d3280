// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A position in all partitions of the models topic, which can be moved on to what is its end now. Not thread-safe. */
final class ModelTopic implements AutoCloseable {
    private static final String CLIENT_ID = "kronstream-models";
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Duration POLL = Duration.ofMillis(200);

    private final String topic;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<TopicPartition> partitions;

    ModelTopic(KafkaSettings settings, String topic, boolean committedOnly) {
        this.topic = topic;
        Map<String, ?> fixed = Map.of(
                ConsumerConfig.CLIENT_ID_CONFIG,
                CLIENT_ID,
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                false,
                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                false,
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                "earliest",
                ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                TIMEOUT.toMillis(),
                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                committedOnly ? "read_committed" : "read_uncommitted");
        try {
            this.consumer = new KafkaConsumer<>(
                    settings.client(Map.of(), fixed), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        } catch (KafkaException e) {
            throw unreadable(e);
        }
        try {
            this.partitions = consumer.partitionsFor(topic).stream()
                    .map(info -> new TopicPartition(topic, info.partition()))
                    .toList();
            if (partitions.isEmpty()) {
                throw new ConnectorException("Topic " + topic + " does not exist on Kafka at " + settings.bootstrap());
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
        } catch (KafkaException e) {
            consumer.close();
            throw unreadable(e);
        } catch (ConnectorException e) {
            consumer.close();
            throw e;
        }
    }

    void rewind() {
        consumer.seekToBeginning(partitions);
    }

    /** Hands on every record up to what is the end now, those of one partition in their order. */
    void readToEnd(Consumer<ConsumerRecord<byte[], byte[]>> reader) {
        try {
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                consumer.poll(POLL).forEach(reader);
            }
        } catch (InterruptException e) {
            throw new ConnectorException("Interrupted while reading topic " + topic);
        } catch (KafkaException e) {
            throw unreadable(e);
        }
    }

    /** Hands on what has come, or waits a little for it. */
    void poll(Consumer<ConsumerRecord<byte[], byte[]>> reader) {
        try {
            consumer.poll(POLL).forEach(reader);
        } catch (KafkaException e) {
            throw unreadable(e);
        }
    }

    /** Lets a {@link #poll} in another thread fail at once. */
    void wakeup() {
        consumer.wakeup();
    }

    static String key(ConsumerRecord<byte[], byte[]> read) {
        return read.key() == null ? "" : new String(read.key(), StandardCharsets.UTF_8);
    }

    private ConnectorException unreadable(KafkaException e) {
        return new ConnectorException("Topic " + topic + " cannot be read: " + e.getMessage());
    }

    @Override
    public void close() {
        consumer.close();
    }
}
