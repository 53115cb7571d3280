// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.TestBroker;
import io.kronstream.learner.PublishedModel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The models topic as its writer leaves it: killed in the middle of versions, compacted, with small records, in files. */
class ModelTopicITCase {
    @RegisterExtension
    static final TestBroker BROKER = new TestBroker();

    private static final String MODEL = "m";
    private static final int PAYLOAD = 130_000;

    /**
     * A writer is killed again and again between any two records, starts again from an earlier version, as a job does from
     * its checkpoint, and publishes the same versions again. Whoever reads the compacted topic for the first time, at any of
     * these moments, finds a whole version, and it is one that was published.
     */
    @ParameterizedTest
    @EnumSource(Delivery.class)
    void whoeverComesFindsAWholeVersion(Delivery delivery) throws Exception {
        String topic = compactedTopic();
        long seed = 20261120;
        Random random = new Random(seed);
        long version = 1; // the next one
        long written = 0;
        for (int attempt = 0; attempt < 25; attempt++) {
            version = Math.max(1, version - random.nextInt(4));
            int versions = 2 + random.nextInt(4);
            int killAt = random.nextInt(8);
            try (KafkaProducer<byte[], byte[]> producer = producer(topic, delivery)) {
                VersionCutter cutter = VersionCutter.of(BROKER.settings(), topic, delivery, null);
                for (int i = 0; i < versions; i++, version++) {
                    List<ModelRecord> records = cutter.cut(published(version));
                    boolean killed = attempt > 0 && i == versions - 1;
                    begin(producer, delivery);
                    for (ModelRecord record : killed ? records.subList(0, Math.min(killAt, records.size())) : records) {
                        send(producer, topic, record);
                        written++;
                    }
                    producer.flush();
                    if (killed) {
                        abort(producer, delivery);
                        break;
                    }
                    commit(producer, delivery);
                }
            }
            StoredModel found = newest(topic);
            assertThat(found.payload())
                    .as("seed %d, attempt %d", seed, attempt)
                    .isEqualTo(published(found.manifest().version()).payload());
        }
        assertThat(BROKER.records(topic)).as("compacted").hasSizeLessThan((int) written);
    }

    @Test
    void theVersionBeforeStaysWholeHoweverFarTheNextGot() throws Exception {
        String topic = compactedTopic();
        long version = 1;
        for (int stop = 0; stop <= 7; stop++) {
            VersionCutter cutter = VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null);
            write(topic, cutter.cut(published(version)));
            write(topic, cutter.cut(published(version + 1)));
            List<ModelRecord> third = cutter.cut(published(version + 2));
            write(topic, third.subList(0, Math.min(stop, third.size() - 1)));

            assertThat(newest(topic).manifest().version()).isEqualTo(version + 1);
            version += 2;
        }
    }

    /** Of 16 chunks at most 2 differ from the slot's: those go over the wire, and a new reader still finds everything. */
    @Test
    void whatDoesNotChangeIsNotSentAgain() throws Exception {
        String topic = createTopic(Map.of("cleanup.policy", "compact", "max.message.bytes", "4096"));
        VersionCutter cutter = VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null);
        byte[] payload = new byte[16 * VersionCutter.chunkBytes(4096)];
        Map<Long, byte[]> payloads = new HashMap<>();
        int sent = 0;
        for (long version = 1; version <= 40; version++) {
            payload[(int) (version * 9973 % payload.length)]++;
            payloads.put(version, payload.clone());
            List<ModelRecord> records = cutter.cut(Models.published(MODEL, version, payload.clone()));
            sent += records.size();
            write(topic, records);
            assertThat(newest(topic).payload()).isEqualTo(payloads.get(version));
        }
        assertThat(sent).isLessThanOrEqualTo(2 * 17 + 38 * 3);
        VersionCutter restarted = VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null);
        assertThat(restarted.cut(Models.published(MODEL, 41, payloads.get(39L))))
                .hasSizeLessThan(4);
        assertThat(VersionCutter.of(BROKER.settings(), topic, Delivery.EXACTLY_ONCE, null)
                        .cut(Models.published(MODEL, 41, payloads.get(39L))))
                .hasSize(17);
    }

    @Test
    void chunksFitWhatTheTopicTakes() throws Exception {
        int limit = 10_000;
        String topic = createTopic(Map.of("cleanup.policy", "compact", "max.message.bytes", Integer.toString(limit)));
        VersionCutter cutter = VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null);
        String longName = "m".repeat(200);

        List<ModelRecord> records = cutter.cut(Models.published(longName, 1, 60_000, 1));
        write(topic, records);

        assertThat(records.get(0).value().length).isGreaterThan(limit - 2000);
        try (ModelReader reader = new ModelReader(BROKER.settings(), topic, true)) {
            assertThat(reader.newest(longName).orElseThrow().payload()).hasSize(60_000);
        }
        assertThatThrownBy(() -> write(topic, List.of(new ModelRecord(MODEL, "m/chunk/0/0", new byte[limit]))))
                .hasRootCauseInstanceOf(RecordTooLargeException.class);
    }

    @Test
    void saysThatTheTopicTakesTooLittle() throws Exception {
        String topic = createTopic(Map.of("max.message.bytes", "2000"));

        assertThatThrownBy(() -> VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null))
                .isInstanceOf(ConnectorException.class)
                .hasMessage("Topic " + topic
                        + " takes records of at most 2000 bytes, models need 4096: raise its max.message.bytes");
    }

    @Test
    void aWithdrawnModelIsGone() throws Exception {
        String topic = compactedTopic();
        VersionCutter cutter = VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null);
        write(topic, cutter.cut(published(1)));
        write(topic, cutter.cut(Models.published("other", 1, 100, 1)));
        write(topic, cutter.cut(published(2)));

        write(
                topic,
                VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null)
                        .withdraw(MODEL));

        try (ModelReader reader = new ModelReader(BROKER.settings(), topic, true)) {
            assertThat(reader.models()).containsExactly("other");
            assertThat(reader.newest().keySet()).containsExactly("other");
            assertThat(reader.newest(MODEL)).isEmpty();
        }
    }

    @Test
    void readsAVersionThatLiesInAFile(@TempDir Path dir) throws Exception {
        String topic = compactedTopic();
        PublishedModel published = published(1);
        Path file = dir.resolve("1.model");
        Files.write(file, published.payload());
        VersionCutter cutter = VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null);
        write(topic, cutter.refer(published, file.toUri().toString()));
        assertThat(newest(topic).payload()).isEqualTo(published.payload());

        byte[] damaged = published.payload().clone();
        damaged[7]++;
        Files.write(file, damaged);
        try (ModelReader reader = new ModelReader(BROKER.settings(), topic, true)) {
            assertThat(reader.newest(MODEL)).isEmpty();
            Files.delete(file);
            assertThat(reader.newest(MODEL)).isEmpty();
        }
        write(topic, cutter.refer(published(2), "s3://bucket/2.model"));
        assertThatThrownBy(() -> newest(topic))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("s3://bucket/2.model, which cannot be read");
    }

    private static PublishedModel published(long version) {
        return Models.published(MODEL, version, PAYLOAD, 1);
    }

    private static StoredModel newest(String topic) {
        try (ModelReader reader = new ModelReader(BROKER.settings(), topic, true)) {
            return reader.newest(MODEL).orElseThrow();
        }
    }

    private static String compactedTopic() throws Exception {
        return createTopic(Map.of(
                "cleanup.policy", "compact",
                "max.message.bytes", "20000",
                "segment.bytes", "1048576",
                "segment.ms", "300",
                "min.cleanable.dirty.ratio", "0.01"));
    }

    private static String createTopic(Map<String, String> configs) throws Exception {
        String topic = BROKER.newTopics().models();
        try (Admin admin = Admin.create(BROKER.settings().client(Map.of(), Map.of()))) {
            admin.createTopics(List.of(new NewTopic(topic, Optional.of(1), Optional.empty()).configs(configs)))
                    .all()
                    .get();
        }
        return topic;
    }

    private static KafkaProducer<byte[], byte[]> producer(String topic, Delivery delivery) {
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                BROKER.settings()
                        .client(
                                Map.of(),
                                delivery == Delivery.EXACTLY_ONCE ? Map.of("transactional.id", topic) : Map.of()),
                new ByteArraySerializer(),
                new ByteArraySerializer());
        if (delivery == Delivery.EXACTLY_ONCE) {
            producer.initTransactions();
        }
        return producer;
    }

    private static void begin(KafkaProducer<?, ?> producer, Delivery delivery) {
        if (delivery == Delivery.EXACTLY_ONCE) {
            producer.beginTransaction();
        }
    }

    private static void commit(KafkaProducer<?, ?> producer, Delivery delivery) {
        if (delivery == Delivery.EXACTLY_ONCE) {
            producer.commitTransaction();
        }
    }

    private static void abort(KafkaProducer<?, ?> producer, Delivery delivery) {
        if (delivery == Delivery.EXACTLY_ONCE) {
            producer.abortTransaction();
        }
    }

    private static void write(String topic, List<ModelRecord> records) throws InterruptedException, ExecutionException {
        try (KafkaProducer<byte[], byte[]> producer = BROKER.producer()) {
            for (ModelRecord record : records) {
                send(producer, topic, record).get();
            }
        }
    }

    private static Future<?> send(KafkaProducer<byte[], byte[]> producer, String topic, ModelRecord record) {
        return producer.send(
                new ProducerRecord<>(topic, 0, record.key().getBytes(StandardCharsets.UTF_8), record.value()));
    }
}
