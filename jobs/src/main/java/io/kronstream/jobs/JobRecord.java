// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The job's own file, as a record beside its models: key {@value #KEY}, partition 0 of the models topic. So whoever
 * finds a version can learn again what it has learned. Passwords are left out, with all other client properties.
 */
public final class JobRecord {
    static final String KEY = "job";

    private static final byte[] KEY_BYTES = KEY.getBytes(StandardCharsets.UTF_8);
    private static final Duration POLL = Duration.ofMillis(200);

    private JobRecord() {}

    /** Writes it to the job's models topic, which must exist. */
    public static void write(JobSettings settings) {
        byte[] text = JobFile.write(
                        settings.withKafka(KafkaSettings.of(settings.kafka().bootstrap())))
                .getBytes(StandardCharsets.UTF_8);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                settings.kafka().client(Map.of(), Map.of(ProducerConfig.ACKS_CONFIG, "all")),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(settings.topics().models(), 0, KEY_BYTES, text))
                    .get();
        } catch (ExecutionException e) {
            throw new ConnectorException("The job's file cannot be written to topic "
                    + settings.topics().models() + ": " + e.getCause().getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConnectorException("Interrupted while writing the job's file");
        }
    }

    /** The newest one that the topic holds. The topic must exist. */
    public static Optional<JobSettings> read(KafkaSettings kafka, Topics topics) {
        TopicPartition partition = new TopicPartition(topics.models(), 0);
        String text = null;
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                kafka.client(Map.of(), Map.of(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false")),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            while (consumer.position(partition) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    if (Arrays.equals(record.key(), KEY_BYTES)
                            && record.value() != null
                            && record.value().length <= YamlFile.MAX_BYTES) {
                        text = new String(record.value(), StandardCharsets.UTF_8);
                    }
                }
            }
        }
        return Optional.ofNullable(text).map(found -> JobFile.parse("the job's file in topic " + topics.models(), found)
                .withKafka(kafka));
    }
}
