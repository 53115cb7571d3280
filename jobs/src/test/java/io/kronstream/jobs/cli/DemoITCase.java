// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.FileRecords;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo as a user runs it, and what can be done with what it leaves. */
class DemoITCase {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String EXAMPLES = "16000";

    @TempDir
    static Path dir;

    private static Words demo;
    private static JsonNode summary;

    @BeforeAll
    static void runOnce() throws IOException {
        Path json = dir.resolve("out.json");
        demo = Words.of(
                "demo",
                "--examples",
                EXAMPLES,
                "--port",
                "0",
                "--set",
                "kafka.properties.compression.type=gzip",
                "--json",
                json.toString(),
                "--keep",
                kept().toString());
        assertThat(demo.err()).isEmpty();
        summary = JSON.readTree(json.toFile());
    }

    @Test
    void itLearnsAndIsVerified() {
        assertThat(demo.status()).isZero();
        assertThat(summary.path("verified").asBoolean()).isTrue();
        assertThat(summary.path("examples").asLong()).isEqualTo(16_000);
        assertThat(summary.path("steps").asLong()).isEqualTo(500);
        assertThat(summary.path("optimizer").asText()).isEqualTo("dykaf");
        // Once the stream has ended all are computed in the learner, so how many were remote depends on timing.
        assertThat(summary.path("refreshes").path("remote").asLong()).isPositive();
        assertThat(summary.path("refreshes").path("inline").asLong()).isGreaterThanOrEqualTo(100);
        assertThat(summary.path("refreshes").path("late").asLong()).isZero();
        assertThat(summary.path("restores").asLong()).isZero();
        assertThat(summary.path("rejected").asLong()).isZero();
        assertThat(summary.path("modelVersion").asLong()).isGreaterThanOrEqualTo(5);
        assertThat(summary.path("metric").path("name").asText()).isEqualTo("accuracy");
        assertThat(summary.path("metric").path("lastQuarter").asDouble())
                .isGreaterThan(summary.path("baseline").path("lastQuarter").asDouble() + 0.1);
    }

    @Test
    void theSummaryHasItsKeys() {
        assertThat(summary.fieldNames())
                .toIterable()
                .contains(
                        "examples",
                        "steps",
                        "seconds",
                        "examplesPerSecond",
                        "optimizer",
                        "metric",
                        "baseline",
                        "refreshes",
                        "checkpoints",
                        "restores",
                        "modelVersion",
                        "rejected",
                        "fingerprint",
                        "modelDigest",
                        "verified",
                        "bestPossible");
        for (String quality : List.of("metric", "baseline")) {
            assertThat(summary.path(quality).path("wholeRun").isNumber()).isTrue();
            assertThat(summary.path(quality).path("lastQuarter").isNumber()).isTrue();
            assertThat(summary.path(quality).path("all").path("logLoss").isNumber())
                    .isTrue();
        }
    }

    @Test
    void theTerminalTellsWhatHappens() {
        assertThat(demo.out())
                .contains("Flink dashboard: http://127.0.0.1:")
                .containsPattern("[\\d,]+ examples +[\\d,]+/s  accuracy 0\\.\\d+ \\(majority 0\\.\\d+\\)")
                .contains("verified         yes")
                .contains(summary.path("modelDigest").asText());
    }

    /** Seen in the broker's own files: a consumer unpacks what it reads. */
    @Test
    void itsClientsHaveTheUsersProperties() throws IOException {
        List<CompressionType> compressions = new ArrayList<>();
        try (DirectoryStream<Path> partitions =
                Files.newDirectoryStream(kept().resolve("kafka"), "kronstream.scores-*")) {
            for (Path partition : partitions) {
                Path log = partition.resolve("00000000000000000000.log");
                try (FileRecords records = FileRecords.open(log.toFile())) {
                    records.batches().forEach(batch -> compressions.add(batch.compressionType()));
                }
            }
        }

        assertThat(compressions).isNotEmpty().containsOnly(CompressionType.GZIP);
    }

    /** Those that fall due after the end of the stream are inline. */
    private static long refreshes(JsonNode summary) {
        return summary.path("refreshes").path("remote").asLong()
                + summary.path("refreshes").path("inline").asLong();
    }

    @Test
    void aCrashInArrivalModeLeavesJournalsThatReplayTheModel() throws IOException {
        Path json = dir.resolve("arrival.json");

        Words crash = Words.of(
                "demo",
                "--examples",
                "6000",
                "--no-ui",
                "--crash",
                "--mode",
                "arrival",
                "--set",
                "kafka.delivery=exactly_once",
                "--set",
                "batch.max-wait=200 ms",
                "--set",
                "model.hidden=[16]",
                "--json",
                json.toString());

        assertThat(crash.err()).isEmpty();
        assertThat(crash.status()).isZero();
        JsonNode other = JSON.readTree(json.toFile());
        assertThat(other.path("restores").asLong()).isEqualTo(1);
        assertThat(other.path("examples").asLong()).isEqualTo(6000);
        assertThat(other.path("verified").asBoolean()).isTrue();
    }

    @Test
    void aCrashChangesNothing() throws IOException {
        Path json = dir.resolve("crash.json");

        Words crash = Words.of("demo", "--examples", EXAMPLES, "--no-ui", "--crash", "--json", json.toString());

        assertThat(crash.err()).isEmpty();
        assertThat(crash.out()).contains("kill -9 ");
        assertThat(crash.status()).isZero();
        JsonNode other = JSON.readTree(json.toFile());
        // More than one where a busy machine is not ready for the first.
        assertThat(other.path("restores").asLong()).isPositive();
        assertThat(other.path("modelDigest")).isEqualTo(summary.path("modelDigest"));
        assertThat(other.path("examples")).isEqualTo(summary.path("examples"));
        assertThat(other.path("metric")).isEqualTo(summary.path("metric"));
        assertThat(refreshes(other)).isEqualTo(refreshes(summary));
    }

    /** One after the other, since only one broker can use a directory. */
    @Test
    void whatItLeavesCanBeReadAndVerified() throws IOException {
        Words verify = Words.of("verify", "--keep", kept().toString(), "--json");
        assertThat(verify.err()).isEmpty();
        assertThat(verify.status()).isZero();
        JsonNode answer = JSON.readTree(verify.out());
        assertThat(answer.path("published")).isEqualTo(summary.path("modelDigest"));
        assertThat(answer.path("learnedAgain")).isEqualTo(summary.path("modelDigest"));

        try (EmbeddedBroker broker = EmbeddedBroker.start(kept().resolve("kafka"), 0)) {
            long before = summary.path("modelVersion").asLong() - 1;
            Words fromKafka =
                    Words.of("verify", "--bootstrap", broker.bootstrap(), "--model", "main", "--version", "" + before);
            assertThat(fromKafka.err()).isEmpty();
            assertThat(fromKafka.status()).isZero();
            assertThat(fromKafka.out()).contains("version " + before).contains("Equal");

            Words missing = Words.of("verify", "--bootstrap", broker.bootstrap(), "--model", "other");
            assertThat(missing.status()).isEqualTo(1);
            assertThat(missing.complaints())
                    .containsExactly("kronstream: Topic kronstream.models holds no version of model 'other'");

            Words wrong =
                    Words.of("verify", "--job", otherSeed(broker.bootstrap()).toString());
            assertThat(wrong.status()).isEqualTo(1);
            assertThat(wrong.out()).contains("DIFFERENT.");

            assertThat(manifests(broker.bootstrap())).anySatisfy(manifest -> {
                assertThat(manifest.path("version")).isEqualTo(summary.path("modelVersion"));
                assertThat(manifest.path("modelDigest")).isEqualTo(summary.path("modelDigest"));
            });
        }
    }

    /** The job's file with another seed: an oracle that is told something else must disagree. */
    private static Path otherSeed(String bootstrap) throws IOException {
        String text = Files.readString(kept().resolve("job.yaml"));
        return Files.writeString(
                dir.resolve("other.yaml"),
                text.replaceFirst("seed: 1\\b", "seed: 2").replaceFirst("bootstrap: \\S+", "bootstrap: " + bootstrap));
    }

    private static List<JsonNode> manifests(String bootstrap) throws IOException {
        List<JsonNode> manifests = new ArrayList<>();
        try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(
                KafkaSettings.of(bootstrap).client(Map.of(), Map.of()),
                new StringDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor("kronstream.models").stream()
                    .map(partition -> new TopicPartition("kronstream.models", partition.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    if (record.key().startsWith("main/manifest/")) {
                        manifests.add(JSON.readTree(new String(record.value(), StandardCharsets.UTF_8)));
                    }
                }
            }
        }
        return manifests;
    }

    private static Path kept() {
        return dir.resolve("kept");
    }
}
