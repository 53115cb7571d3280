// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Everything that a job has left on Kafka, as a reader of committed records sees it.
 *
 * @param manifests for each manifest key of the models topic the SHA-256 of its records in their order
 * @param versions for each version that was ever published, by model and number, the SHA-256 of its bytes, put together
 *     from its chunks; how it is cut into chunks may differ after a restart
 * @param scores the scores of each example; in order there is one
 * @param deadLetters the dead letters of each example that could not be learned from; in order there is one
 * @param examples how many examples each partition has got
 */
record Transcript(
        SortedMap<String, List<String>> manifests,
        SortedMap<String, String> versions,
        SortedMap<Place, List<String>> scores,
        SortedMap<Place, List<String>> deadLetters,
        SortedMap<Integer, Long> examples) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration POLL = Duration.ofMillis(200);
    /** How long a transaction that nobody ends may hide what comes after it. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** An example. */
    record Place(int partition, long offset) implements Comparable<Place> {
        @Override
        public int compareTo(Place other) {
            int byPartition = Integer.compare(partition, other.partition);
            return byPartition != 0 ? byPartition : Long.compare(offset, other.offset);
        }
    }

    /**
     * Reads all that the topics of a job that has ended hold.
     *
     * @throws JobFailure if a transaction was left open, so that part of it cannot be read
     */
    static Transcript read(JobSettings job) throws JobFailure {
        SortedMap<String, List<String>> manifests = new TreeMap<>();
        SortedMap<Place, List<String>> scores = new TreeMap<>();
        SortedMap<Place, List<String>> deadLetters = new TreeMap<>();
        SortedMap<Integer, Long> examples;
        try (TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            examples = admin.endOffsets(job.topics().examples());
            read(job, admin, job.topics().models(), written -> {
                String key = new String(written.key(), StandardCharsets.UTF_8);
                if (key.contains("/manifest/") && written.value() != null) {
                    add(manifests, key, sha256(written.value()));
                }
            });
            read(job, admin, job.topics().scores(), written -> add(scores, scored(written), text(written.value())));
            read(job, admin, job.topics().deadLetters(), written -> add(deadLetters, origin(written), letter(written)));
        }
        return new Transcript(manifests, versions(job), scores, deadLetters, examples);
    }

    private static SortedMap<String, String> versions(JobSettings job) {
        SortedMap<String, String> versions = new TreeMap<>();
        try (ModelReader reader = new ModelReader(job.kafka(), job.topics().models(), job.committedOnly())) {
            for (String model : reader.models()) {
                reader.versions(model)
                        .forEach((number, version) ->
                                versions.put(model + " version " + number, version.payloadSha256()));
            }
        }
        return versions;
    }

    private static void read(
            JobSettings job, TopicAdmin admin, String topic, Consumer<ConsumerRecord<byte[], byte[]>> reader)
            throws JobFailure {
        SortedMap<Integer, Long> ends = admin.endOffsets(topic);
        List<TopicPartition> partitions = ends.keySet().stream()
                .map(partition -> new TopicPartition(topic, partition))
                .toList();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                job.kafka()
                        .client(
                                Map.of(),
                                Map.of(
                                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false",
                                        ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed")),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long lastProgress = System.nanoTime();
            long before = -1;
            while (partitions.stream()
                    .anyMatch(partition -> consumer.position(partition) < ends.get(partition.partition()))) {
                consumer.poll(POLL).forEach(reader);
                long read = partitions.stream().mapToLong(consumer::position).sum();
                if (read > before) {
                    before = read;
                    lastProgress = System.nanoTime();
                } else if (System.nanoTime() - lastProgress > PATIENCE.toNanos()) {
                    throw new JobFailure("Topic " + topic + " cannot be read to its end after " + PATIENCE.toSeconds()
                            + " s: a transaction was left open");
                }
            }
        }
    }

    private static <K> void add(SortedMap<K, List<String>> lists, K key, String element) {
        lists.computeIfAbsent(key, any -> new ArrayList<>(1)).add(element);
    }

    private static Place scored(ConsumerRecord<byte[], byte[]> written) {
        try {
            JsonNode score = JSON.readTree(written.value());
            return new Place(
                    score.path("partition").asInt(-1), score.path("offset").asLong(-1));
        } catch (IOException e) {
            return new Place(-1, -1);
        }
    }

    private static Place origin(ConsumerRecord<byte[], byte[]> written) {
        return new Place(Integer.parseInt(header(written, "partition")), Long.parseLong(header(written, "offset")));
    }

    /** What it says, but for the name of the topic that the example came from. */
    private static String letter(ConsumerRecord<byte[], byte[]> written) {
        return String.join(
                " ",
                header(written, "timestamp"),
                header(written, "reason"),
                header(written, "message"),
                sha256(written.value()));
    }

    private static String header(ConsumerRecord<byte[], byte[]> written, String name) {
        Header header = written.headers().lastHeader(name);
        return header == null ? "" : text(header.value());
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
