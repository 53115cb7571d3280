// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.Position;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.jobs.JobSettings;
import io.kronstream.state.Origins;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads partitions of topics with an ordinary consumer: from their beginning where the job began there, else from the first
 * record that was learned from.
 */
final class TopicFeed implements RecordFeed {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final JobSettings settings;
    private final Origins origins;
    /** The last offset to read of each partition. */
    private final Map<TopicPartition, Long> through = new HashMap<>();

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Deque<ConsumerRecord<byte[], byte[]>> read = new ArrayDeque<>();

    /** @throws ConnectorException if what the model first learned is not there any more, or not known */
    TopicFeed(JobSettings settings, Map<Integer, Long> from, Map<Integer, Long> through) {
        this.settings = settings;
        this.origins = settings.origins();
        through.forEach((number, offset) -> this.through.put(partition(number), offset));
        this.consumer = new KafkaConsumer<>(
                settings.kafka()
                        .client(
                                Map.of(),
                                Map.of(
                                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false",
                                        ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
                                        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none")),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        try {
            consumer.assign(this.through.keySet());
            consumer.seekToBeginning(this.through.keySet());
            boolean fromTheBeginning = settings.input().source().start().kind() == Position.Kind.EARLIEST;
            through.keySet()
                    .forEach(number -> seek(partition(number), fromTheBeginning ? Long.valueOf(0) : from.get(number)));
        } catch (RuntimeException e) {
            consumer.close();
            throw e;
        }
    }

    private TopicPartition partition(int number) {
        return new TopicPartition(origins.name(number), origins.partition(number));
    }

    private void seek(TopicPartition partition, Long first) {
        if (first == null) {
            throw new ConnectorException("The version does not say from which offset of topic " + partition.topic()
                    + " partition " + partition.partition() + " on it was trained, so it cannot be verified");
        }
        long oldest = consumer.position(partition);
        if (oldest > first) {
            throw new ConnectorException("Topic " + partition.topic() + " partition " + partition.partition()
                    + " starts at offset " + oldest + ": what the model first learned is no longer there, so its"
                    + " version cannot be verified");
        }
        consumer.seek(partition, first);
    }

    @Override
    public RawRecord next() {
        while (!read.isEmpty() || poll()) {
            ConsumerRecord<byte[], byte[]> record = read.remove();
            TopicPartition partition = new TopicPartition(record.topic(), record.partition());
            if (record.offset() <= through.get(partition)) {
                return RawRecord.of(record, origins);
            }
        }
        return null;
    }

    private boolean poll() {
        long start = System.nanoTime();
        while (read.isEmpty()) {
            if (through.entrySet().stream().allMatch(entry -> consumer.position(entry.getKey()) > entry.getValue())) {
                return false;
            }
            consumer.poll(POLL).forEach(read::add);
            if (read.isEmpty() && System.nanoTime() - start > PATIENCE.toNanos()) {
                throw new ConnectorException("Topic " + String.join(", ", origins.names()) + " at "
                        + settings.kafka().bootstrap() + " gave no record for " + PATIENCE.toSeconds()
                        + " s, but the version was trained through " + through.values());
            }
        }
        return true;
    }

    @Override
    public void close() {
        consumer.close();
    }
}
