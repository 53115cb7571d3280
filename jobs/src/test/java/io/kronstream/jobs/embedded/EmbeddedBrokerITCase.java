// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedBrokerITCase {
    private static final String TOPIC = "numbers";
    private static final int RECORDS = 1000;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    /** Far in the past and in the future: records carry the time of the data, not of the clock. */
    private static final List<Long> TIMES = List.of(
            Instant.parse("1996-05-07T00:00:00Z").toEpochMilli(),
            Instant.parse("2090-01-01T00:00:00Z").toEpochMilli());

    @TempDir
    private Path dir;

    @Test
    void recordsOutliveARestartOnOtherPorts() throws Exception {
        byte[] large = new byte[EmbeddedBroker.MESSAGE_MAX_BYTES - 1024];
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir, 0)) {
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()))) {
                admin.createTopics(Set.of(new NewTopic(TOPIC, 1, (short) 1)))
                        .all()
                        .get();
            }
            try (KafkaProducer<byte[], byte[]> producer = producer(broker)) {
                for (int i = 0; i < RECORDS; i++) {
                    producer.send(new ProducerRecord<>(TOPIC, 0, TIMES.get(i % 2), null, bytes(i)));
                }
                producer.send(new ProducerRecord<>(TOPIC, 0, TIMES.get(0), null, large))
                        .get();
            }
        }
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir, 0)) {
            List<ConsumerRecord<byte[], byte[]>> records = consume(broker, RECORDS + 1);

            assertThat(records).hasSize(RECORDS + 1);
            for (int i = 0; i < RECORDS; i++) {
                assertThat(records.get(i).value()).isEqualTo(bytes(i));
                assertThat(records.get(i).timestamp()).isEqualTo(TIMES.get(i % 2));
            }
            assertThat(records.get(RECORDS).value()).isEqualTo(large);
        }
    }

    @Test
    void anUnknownTopicIsNotCreated() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir, 0);
                Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()));
                KafkaConsumer<byte[], byte[]> consumer = consumer(broker)) {
            consumer.subscribe(List.of("unknown"));
            consumer.poll(Duration.ofMillis(200));

            assertThat(admin.listTopics().names().get()).doesNotContain("unknown");
        }
    }

    @Test
    void anOccupiedPortIsNamed() throws Exception {
        try (ServerSocket occupied = new ServerSocket(0, 1, InetAddress.getByName(Ports.LOOPBACK))) {
            int port = occupied.getLocalPort();

            assertThatThrownBy(() -> EmbeddedBroker.start(dir, port))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("The Kafka broker cannot listen on 127.0.0.1:" + port)
                    .hasMessageEndingWith("choose another port.");
        }
    }

    @Test
    void aDirectoryInUseIsNamed() throws Exception {
        try (EmbeddedBroker first = EmbeddedBroker.start(dir, 0)) {
            assertThat(first.bootstrap()).startsWith(Ports.LOOPBACK + ":");

            assertThatThrownBy(() -> EmbeddedBroker.start(dir, 0))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(dir.toString())
                    .hasMessageContaining("in use by another Kafka broker");
        }
    }

    private static byte[] bytes(int i) {
        return Integer.toString(i).getBytes(StandardCharsets.UTF_8);
    }

    private static KafkaProducer<byte[], byte[]> producer(EmbeddedBroker broker) {
        return new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.bootstrap(), "max.request.size", EmbeddedBroker.MESSAGE_MAX_BYTES),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }

    private static KafkaConsumer<byte[], byte[]> consumer(EmbeddedBroker broker) {
        return new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker.bootstrap(), "group.id", "test", "auto.offset.reset", "earliest"),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
    }

    private static List<ConsumerRecord<byte[], byte[]>> consume(EmbeddedBroker broker, int count) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        long deadline = System.nanoTime() + LIMIT.toNanos();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(broker)) {
            consumer.assign(List.of(new TopicPartition(TOPIC, 0)));
            consumer.seekToBeginning(consumer.assignment());
            while (records.size() < count && System.nanoTime() < deadline) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }
        return records;
    }
}
