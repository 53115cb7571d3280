// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TestBroker;
import io.kronstream.learner.PublishedModel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class ModelReaderITCase {
    @RegisterExtension
    static final TestBroker BROKER = new TestBroker();

    private static final int CHUNK = 1000;

    private String topic;

    @BeforeEach
    void createTopic() {
        topic = BROKER.createTopics(2, 1).models();
    }

    @Test
    void findsModelsAndVersions() {
        write(Models.records(Models.published("a", 1, 5500, 1), CHUNK));
        write(Models.records(Models.published("b", 1, 0, 1), CHUNK));
        write(Models.records(Models.published("a", 2, 4500, 1), CHUNK));
        write(Models.records(Models.published("a", 3, 2500, 1), CHUNK));

        try (ModelReader reader = new ModelReader(BROKER.settings(), topic, true)) {
            assertThat(reader.models()).containsExactly("a", "b");
            assertThat(reader.versions("a").keySet()).contains(2L, 3L);
            assertThat(reader.versions("nobody")).isEmpty();
            assertThat(reader.newest("a").orElseThrow().payload())
                    .isEqualTo(Models.published("a", 3, 2500, 1).payload());
            assertThat(reader.version("a", 2).orElseThrow().payload())
                    .isEqualTo(Models.published("a", 2, 4500, 1).payload());
            assertThat(reader.newest("b").orElseThrow().payload()).isEmpty();
            assertThat(reader.version("a", 4)).isEmpty();
            assertThat(reader.newest("nobody")).isEmpty();
        }
    }

    @Test
    void neverReturnsAVersionBeforeItIsWhole() {
        PublishedModel two = Models.published("a", 2, 5500, 1);
        List<ModelRecord> next = Models.records(Models.published("a", 3, 5500, 1), CHUNK);
        write(Models.records(two, CHUNK));
        try (ModelReader reader = new ModelReader(BROKER.settings(), topic, true)) {
            for (ModelRecord record : next.subList(0, next.size() - 1)) {
                write(List.of(record));
                assertThat(reader.newest("a").orElseThrow().manifest().version())
                        .isEqualTo(2);
            }
            write(List.of(next.get(next.size() - 1)));

            assertThat(reader.newest("a").orElseThrow().manifest().version()).isEqualTo(3);
        }
    }

    @Test
    void keepsApartModelsAndAttemptsThatAreInterleaved() {
        List<ModelRecord> a = Models.records(Models.published("a", 1, 5500, 1), CHUNK);
        List<ModelRecord> b = Models.records(Models.published("b", 1, 5500, 2), CHUNK);
        List<ModelRecord> failedAttempt = Models.records(Models.published("a", 1, 5500, 3), CHUNK);
        List<ModelRecord> interleaved = new ArrayList<>();
        for (int i = 0; i < a.size(); i++) {
            if (i < 3) {
                interleaved.add(failedAttempt.get(i));
            }
            interleaved.add(a.get(i));
            interleaved.add(b.get(i));
        }
        interleaved.addAll(a);
        write(interleaved);

        try (ModelReader reader = new ModelReader(BROKER.settings(), topic, true)) {
            assertThat(reader.newest("a").orElseThrow().payload())
                    .isEqualTo(Models.published("a", 1, 5500, 1).payload());
            assertThat(reader.newest("b").orElseThrow().payload())
                    .isEqualTo(Models.published("b", 1, 5500, 2).payload());
        }
    }

    @Test
    void leavesOutWhatWasNotCommitted() {
        write(Models.records(Models.published("a", 1, 2500, 1), CHUNK));
        Map<String, ?> transactional = Map.of("transactional.id", "aborting-" + topic);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                        BROKER.settings().client(Map.of(), transactional),
                        new ByteArraySerializer(),
                        new ByteArraySerializer());
                ModelReader committed = new ModelReader(BROKER.settings(), topic, true);
                ModelReader all = new ModelReader(BROKER.settings(), topic, false)) {
            producer.initTransactions();
            producer.beginTransaction();
            Models.records(Models.published("a", 2, 2500, 1), CHUNK).forEach(record -> send(producer, record));
            producer.flush();

            assertThat(committed.newest("a").orElseThrow().manifest().version()).isEqualTo(1);
            assertThat(all.newest("a").orElseThrow().manifest().version()).isEqualTo(2);
            producer.abortTransaction();
            assertThat(committed.newest("a").orElseThrow().manifest().version()).isEqualTo(1);
        }
    }

    @Test
    void followsManifests() {
        try (ManifestFeed feed = new ManifestFeed(BROKER.settings(), topic, true)) {
            assertThat(feed.poll()).isEmpty();
            write(Models.records(Models.published("a", 1, 2500, 1), CHUNK));
            write(List.of(new ModelRecord("a", "a/manifest/0", "stranger".getBytes(StandardCharsets.UTF_8))));
            write(Models.records(Models.published("a", 2, 2500, 1), CHUNK));
            assertThat(feed.poll()).extracting(ModelManifest::version).containsExactly(1L, 2L);
            write(Models.records(Models.published("a", 3, 2500, 1), CHUNK));
            assertThat(feed.poll()).extracting(ModelManifest::version).containsExactly(3L);
            assertThat(feed.poll()).isEmpty();
        }
    }

    /**
     * After the broker has thrown old records away, the last version is still whole, even while the next is half
     * written.
     */
    @Test
    void readsWhatCompactionLeaves() throws Exception {
        try (Admin admin = Admin.create(BROKER.settings().client(Map.of(), Map.of()))) {
            topic = topic + ".small";
            admin.createTopics(List.of(new NewTopic(topic, Optional.of(1), Optional.empty())
                            .configs(Map.of(
                                    "cleanup.policy", "compact",
                                    "segment.bytes", "1048576",
                                    "segment.ms", "1000",
                                    "min.cleanable.dirty.ratio", "0.01"))))
                    .all()
                    .get();
        }
        int payload = 300_000;
        for (long version = 1; version <= 12; version++) {
            write(Models.records(Models.published("a", version, payload, 1), 50_000));
        }
        List<ModelRecord> thirteen = Models.records(Models.published("a", 13, payload, 1), 50_000);
        write(thirteen.subList(0, 3));
        long written = 12 * 7 + 3;

        Instant deadline = Instant.now().plus(Duration.ofSeconds(60));
        while (BROKER.records(topic).size() > written / 2 && Instant.now().isBefore(deadline)) {
            write(List.of(new ModelRecord("filler", "filler", new byte[100_000])));
        }

        assertThat(BROKER.records(topic)).hasSizeLessThan((int) written);
        try (ModelReader reader = new ModelReader(BROKER.settings(), topic, true)) {
            StoredModel newest = reader.newest("a").orElseThrow();
            assertThat(newest.manifest().version()).isEqualTo(12);
            assertThat(newest.payload())
                    .isEqualTo(Models.published("a", 12, payload, 1).payload());
            assertThat(reader.version("a", 1)).isEmpty();
        }
    }

    @Test
    void saysThatATopicIsNotThere() {
        assertThatThrownBy(() -> new ModelReader(BROKER.settings(), "nowhere.models", true))
                .isInstanceOf(ConnectorException.class)
                .hasMessageStartingWith("Topic nowhere.models ");
    }

    private void write(List<ModelRecord> records) {
        try (KafkaProducer<byte[], byte[]> producer = BROKER.producer()) {
            records.forEach(record -> send(producer, record));
        }
    }

    private void send(KafkaProducer<byte[], byte[]> producer, ModelRecord record) {
        int partition = record.model().equals("b") ? 1 : 0;
        producer.send(
                new ProducerRecord<>(topic, partition, record.key().getBytes(StandardCharsets.UTF_8), record.value()));
    }
}
