// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TestBroker;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.Topics;
import io.kronstream.learner.DataSchema;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class FileReplayITCase {
    @RegisterExtension
    static final TestBroker BROKER = new TestBroker();

    private static final DataSchema CLICKS = Schemas.clicks();
    private static final DataSchema REGRESSION = Schemas.regression();

    @Test
    void doesWhatItsPlanSays() throws Exception {
        Topics topics = BROKER.createTopics(3, 1);
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            rows.add("2020-01-02,user" + i % 37 + ",1,DE,1,1");
        }
        rows.add("unreadable");
        rows.add("2020-01-02,,1,DE,1,1");
        SortedMap<Integer, Long> plan = FileReplay.plan(bytes(rows), CLICKS, "default", 3);
        SortedMap<Integer, Long> stopAt = FileReplay.stopOffsets(Map.of(0, 0L, 1, 0L, 2, 0L), plan);

        SortedMap<Integer, Long> sent;
        try (FileReplay replay = new FileReplay(BROKER.settings(), topics.examples(), CLICKS, "default")) {
            sent = replay.replay(bytes(rows));
            assertThat(replay.sent()).isEqualTo(rows.size());
        }

        assertThat(sent).isEqualTo(plan);
        assertThat(plan.values()).allSatisfy(count -> assertThat(count).isPositive());
        try (TopicAdmin admin = TopicAdmin.connect(BROKER.settings())) {
            assertThat(admin.endOffsets(topics.examples())).isEqualTo(stopAt);
        }
        try (KafkaProducer<byte[], byte[]> producer = BROKER.producer()) {
            for (ConsumerRecord<byte[], byte[]> read : BROKER.records(topics.examples())) {
                RecordMetadata byKafka = producer.send(new ProducerRecord<>(topics.scores(), read.key(), read.key()))
                        .get();
                assertThat(read.partition())
                        .as("partition of key %s by Kafka's own rule", new String(read.key(), StandardCharsets.UTF_8))
                        .isEqualTo(byKafka.partition());
            }
        }
    }

    @Test
    void stampsRowsWithTheirOwnTime() throws Exception {
        Topics topics = BROKER.createTopics(1, 1);
        try (FileReplay replay = new FileReplay(BROKER.settings(), topics.examples(), CLICKS, "default")) {
            replay.replay(bytes(List.of(
                    "1950-01-01,a,1,DE,1,1",
                    "1975-01-01,b,1,DE,1,1",
                    "unreadable",
                    "2020-01-02 03:04:05,\"c,d\",1,DE,1,1",
                    "2150-01-01,e,1,DE,1,1")));
        }

        List<ConsumerRecord<byte[], byte[]>> records = BROKER.records(topics.examples());
        assertThat(records)
                .extracting(ConsumerRecord::timestamp)
                .containsExactly(
                        0L,
                        Instant.parse("1975-01-01T00:00:00Z").toEpochMilli(),
                        2000L,
                        Instant.parse("2020-01-02T03:04:05Z").toEpochMilli(),
                        Instant.parse("2150-01-01T00:00:00Z").toEpochMilli());
        assertThat(records)
                .extracting(read -> new String(read.key(), StandardCharsets.UTF_8))
                .containsExactly("a", "b", "default", "c,d", "e");
        assertThat(BROKER.segments(topics.examples(), 0))
                .as("decades of event time do not roll segments")
                .isEqualTo(1);
    }

    @Test
    void stampsRowsWithoutTimeWithTheirIndex() {
        Topics topics = BROKER.createTopics(1, 1);
        try (FileReplay replay = new FileReplay(BROKER.settings(), topics.examples(), REGRESSION, "m")) {
            replay.replay(bytes(List.of("1,2,3", "4,5,6", "x")), 1000);
        }

        assertThat(BROKER.records(topics.examples()))
                .extracting(ConsumerRecord::timestamp)
                .containsExactly(0L, 1000L, 2000L);
    }

    @Test
    void sendsBytesAsTheyAre() {
        Topics topics = BROKER.createTopics(1, 1);
        byte[] latin = {'1', ',', (byte) 0xe9, ',', '2'};
        try (FileReplay replay = new FileReplay(BROKER.settings(), topics.examples(), REGRESSION, "m")) {
            replay.replay(List.of(latin).iterator());
        }

        assertThat(BROKER.records(topics.examples()).get(0).value()).isEqualTo(latin);
    }

    @Test
    void stopsWhenAskedTo() {
        Topics topics = BROKER.createTopics(1, 1);
        try (FileReplay replay = new FileReplay(BROKER.settings(), topics.examples(), REGRESSION, "m")) {
            Iterator<byte[]> endless = Stream.iterate(0L, i -> i + 1)
                    .peek(i -> {
                        if (i == 500) {
                            replay.stop();
                        }
                    })
                    .map(i -> (i + ",1,2").getBytes(StandardCharsets.UTF_8))
                    .iterator();

            SortedMap<Integer, Long> sent = replay.replay(endless);

            assertThat(sent.get(0)).isBetween(500L, 502L);
            assertThat(BROKER.records(topics.examples())).hasSize(sent.get(0).intValue());
        }
    }

    @Test
    void saysThatATopicIsNotThere() {
        assertThatThrownBy(() -> new FileReplay(BROKER.settings(), "nowhere.examples", REGRESSION, "m"))
                .isInstanceOf(ConnectorException.class)
                .hasMessageStartingWith("Topic nowhere.examples does not exist");
    }

    private static Iterator<byte[]> bytes(List<String> rows) {
        return FileReplay.bytes(rows.iterator());
    }
}
