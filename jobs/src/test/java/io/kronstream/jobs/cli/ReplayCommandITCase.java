// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.connectors.KafkaSettings;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A data set on its way to a topic that belongs to no job. */
class ReplayCommandITCase {
    @Test
    void sendsAFileToAnyTopic(@TempDir Path dir) throws Exception {
        Path file = dir.resolve("shops.csv.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("hour,shop,price\n2026-01-01 00:00,a,1\n2026-01-01 01:00,b,2\n2026-01-01 02:00,a,3\n"
                    .getBytes(StandardCharsets.UTF_8));
        }
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir.resolve("kafka"), 0)) {
            KafkaSettings kafka = KafkaSettings.of(broker.bootstrap());
            try (Admin admin = Admin.create(kafka.client(Map.of(), Map.of()))) {
                admin.createTopics(List.of(new NewTopic("prices", Optional.of(1), Optional.empty())))
                        .all()
                        .get();
            }
            List<String> where = List.of("--bootstrap=" + broker.bootstrap(), "--topic=prices");

            assertThat(replay(file, where, "--key=shop", "--time=hour", "--speedup=1e9", "--rate=1000/s")
                            .status())
                    .isZero();

            List<ConsumerRecord<byte[], byte[]>> records = records(kafka, "prices", 3);
            assertThat(records)
                    .extracting(record -> new String(record.key(), StandardCharsets.UTF_8))
                    .containsExactly("a", "b", "a");
            assertThat(records)
                    .extracting(record -> new String(record.value(), StandardCharsets.UTF_8))
                    .containsExactly("2026-01-01 00:00,a,1", "2026-01-01 01:00,b,2", "2026-01-01 02:00,a,3");
            assertThat(records)
                    .extracting(record -> record.timestamp() - 1_767_225_600_000L)
                    .containsExactly(0L, 3_600_000L, 7_200_000L);

            assertThat(replay(file, where, "--key=town").err()).contains("names the unknown column 'town'");
            assertThat(replay(file, List.of("--topic=prices")).err()).contains("says where to send to");
            assertThat(replay(file, where, "--rate=fast").err()).contains("must be rows per second");
            assertThat(replay(file, List.of("--bootstrap=" + broker.bootstrap(), "--topic=none"))
                            .err())
                    .contains("Topic none does not exist");
        }
    }

    private static Words replay(Path file, List<String> where, String... more) {
        List<String> arguments = new ArrayList<>(List.of("replay", file.toString()));
        arguments.addAll(where);
        arguments.addAll(List.of(more));
        return Words.of(arguments.toArray(String[]::new));
    }

    private static List<ConsumerRecord<byte[], byte[]>> records(KafkaSettings kafka, String topic, int count) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                kafka.client(Map.of(), Map.of()), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            assertThat(consumer.endOffsets(List.of(partition))).containsValue((long) count);
            while (records.size() < count) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }
        return records;
    }
}
