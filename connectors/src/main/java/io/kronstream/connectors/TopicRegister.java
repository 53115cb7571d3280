// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import io.kronstream.state.NameRegister;
import io.kronstream.state.Origins;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Which topics a job with a pattern learns from, in the order of their places: one record for each in the only partition
 * of {@link Topics#register()}, its value the name. Records are only ever added, and of several of one name the first
 * counts: so it does not matter whether two JobManagers, one of which has died without knowing it, add to it at once. Every
 * reader finds the same places, and what was added before a topic's first record was read is there when that is read.
 *
 * <p>What was read is kept, and read again only when a name or a place is not in it. Failures are {@link
 * ConnectorException}s. Not thread-safe.
 */
public final class TopicRegister implements NameRegister {
    private static final long serialVersionUID = 1;

    /** Characters that Kafka allows in a topic's name. */
    private static final int MAX_NAME_BYTES = 249;

    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final KafkaSettings kafka;
    private final String topic;

    private transient List<String> names;
    private transient Map<String, Integer> places;

    public TopicRegister(KafkaSettings kafka, Topics topics) {
        this.kafka = kafka;
        this.topic = topics.register();
    }

    @Override
    public int place(String name) {
        if (places == null || !places.containsKey(name)) {
            read();
        }
        return places.getOrDefault(name, -1);
    }

    @Override
    public String name(int place) {
        if (names == null || place >= names.size()) {
            read();
        }
        return place < names.size() ? names.get(place) : null;
    }

    /** All names as they are registered now; none if there is no register yet. */
    public List<String> names() {
        read();
        return List.copyOf(names);
    }

    /**
     * Gives these names places, those that have none yet, in their order. The register must exist.
     *
     * @return all names that are registered now
     */
    public List<String> add(Collection<String> wanted) {
        read();
        List<String> missing =
                wanted.stream().filter(name -> !places.containsKey(name)).toList();
        if (missing.isEmpty()) {
            return List.copyOf(names);
        }
        if (names.size() + missing.size() > Origins.MAX_NAMES) {
            throw new ConnectorException("A job can learn from " + Origins.MAX_NAMES + " topics, and " + missing.get(0)
                    + " would be one more");
        }
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                kafka.client(Map.of(), Map.of(ProducerConfig.ACKS_CONFIG, "all")),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (String name : missing) {
                sent.add(producer.send(new ProducerRecord<>(topic, 0, null, name.getBytes(StandardCharsets.UTF_8))));
            }
            for (Future<RecordMetadata> one : sent) {
                one.get();
            }
        } catch (ExecutionException e) {
            throw new ConnectorException("Topic " + topic + " at " + kafka.bootstrap() + " cannot be written to: "
                    + e.getCause().getMessage());
        } catch (KafkaException e) {
            throw new ConnectorException(
                    "Topic " + topic + " at " + kafka.bootstrap() + " cannot be written to: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConnectorException("Interrupted while writing to topic " + topic);
        }
        return names();
    }

    private void read() {
        names = new ArrayList<>();
        places = new HashMap<>();
        try (TopicAdmin admin = TopicAdmin.connect(kafka)) {
            if (!admin.exists(topic)) {
                return; // that of a job whose topics were all there when it started, before there were registers
            }
        }
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                kafka.client(
                        Map.of(),
                        Map.of(
                                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false",
                                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false")),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            long start = System.nanoTime();
            while (consumer.position(partition) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    take(record.value());
                }
                if (System.nanoTime() - start > PATIENCE.toNanos()) {
                    throw new ConnectorException("Topic " + topic + " at " + kafka.bootstrap()
                            + " could not be read within " + PATIENCE.toSeconds() + " s");
                }
            }
        } catch (KafkaException e) {
            throw new ConnectorException(
                    "Topic " + topic + " at " + kafka.bootstrap() + " cannot be read: " + e.getMessage());
        }
    }

    private void take(byte[] value) {
        if (value == null || value.length == 0 || value.length > MAX_NAME_BYTES || names.size() == Origins.MAX_NAMES) {
            return;
        }
        String name = new String(value, StandardCharsets.UTF_8);
        if (places.putIfAbsent(name, names.size()) == null) {
            names.add(name);
        }
    }
}
