// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.TrainingJob;
import io.kronstream.learner.Example;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads the examples of some partitions from their beginning up to stated offsets, with an ordinary consumer. Those of one
 * partition come in their order; records that cannot be decoded are passed over.
 */
final class ExampleCursor implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final JobSettings settings;
    private final Map<TopicPartition, Long> through;
    private final ExampleDecoder decoder;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Deque<ConsumerRecord<byte[], byte[]>> read = new ArrayDeque<>();
    private final Deque<Example> decoded = new ArrayDeque<>();

    /**
     * @param through for each partition the last offset to read
     * @throws ConnectorException if a partition does not begin with its first record any more
     */
    ExampleCursor(JobSettings settings, Map<TopicPartition, Long> through) {
        this.settings = settings;
        this.through = through;
        this.decoder = TrainingJob.decoder(settings);
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
            consumer.assign(through.keySet());
            consumer.seekToBeginning(through.keySet());
            through.keySet().forEach(this::requireWhole);
        } catch (RuntimeException e) {
            consumer.close();
            throw e;
        }
    }

    private void requireWhole(TopicPartition partition) {
        long first = consumer.position(partition);
        if (first > 0) {
            throw new ConnectorException("Topic " + partition.topic() + " partition " + partition.partition()
                    + " starts at offset " + first + ": what the model first learned is no longer there, so its"
                    + " version cannot be verified");
        }
    }

    /**
     * The next example of any of these models; empty at the end.
     *
     * @throws ConnectorException if the broker gives nothing for long, or interrupted
     */
    Optional<Example> next(Collection<String> models) {
        while (true) {
            while (!decoded.isEmpty()) {
                Example example = decoded.remove();
                if (models.contains(example.model())) {
                    return Optional.of(example);
                }
            }
            if (read.isEmpty() && !poll()) {
                return Optional.empty();
            }
            ConsumerRecord<byte[], byte[]> record = read.remove();
            Long last = through.get(new TopicPartition(record.topic(), record.partition()));
            if (record.offset() > last) {
                continue;
            }
            try {
                decoded.addAll(decoder.decode(RawRecord.of(record)));
            } catch (UndecodableException e) {
                // the job has set it aside, too
            }
        }
    }

    private boolean poll() {
        long start = System.nanoTime();
        while (read.isEmpty()) {
            if (through.entrySet().stream().allMatch(entry -> consumer.position(entry.getKey()) > entry.getValue())) {
                return false;
            }
            consumer.poll(POLL).forEach(read::add);
            if (read.isEmpty() && System.nanoTime() - start > PATIENCE.toNanos()) {
                throw new ConnectorException("Topic " + settings.topics().examples() + " at "
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
