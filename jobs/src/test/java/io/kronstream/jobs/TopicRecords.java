// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What is in a job's topics, as an ordinary consumer sees it. */
final class TopicRecords {
    private TopicRecords() {}

    /** Everything in a topic, partition by partition; only what is committed, if the job delivers exactly once. */
    static List<ConsumerRecord<byte[], byte[]>> of(JobSettings settings, String topic) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(settings, topic)) {
            Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }
        records.sort(Comparator.<ConsumerRecord<byte[], byte[]>>comparingInt(ConsumerRecord::partition)
                .thenComparingLong(ConsumerRecord::offset));
        return records;
    }

    /** A job's dead letters, in the order of the offsets that they come from. */
    static List<ConsumerRecord<byte[], byte[]>> deadLetters(JobSettings settings) {
        List<ConsumerRecord<byte[], byte[]>> letters =
                of(settings, settings.topics().deadLetters());
        letters.sort(Comparator.comparingLong(letter -> Long.parseLong(header(letter, "offset"))));
        return letters;
    }

    /** A consumer at the start of all partitions of a topic. */
    static KafkaConsumer<byte[], byte[]> consumer(JobSettings settings, String topic) {
        String isolation = settings.committedOnly() ? "read_committed" : "read_uncommitted";
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                settings.kafka().client(Map.of(), Map.of("isolation.level", isolation)),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        consumer.assign(consumer.partitionsFor(topic).stream()
                .map(partition -> new TopicPartition(topic, partition.partition()))
                .toList());
        consumer.seekToBeginning(consumer.assignment());
        return consumer;
    }

    static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }
}
