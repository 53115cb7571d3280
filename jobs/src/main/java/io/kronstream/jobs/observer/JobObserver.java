// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.Topics;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.Metric;
import io.kronstream.learner.Score;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads what a job writes, with an ordinary consumer on a thread of its own: scores, model versions and dead letters,
 * from the moment of its start on. What comes twice, as it may after a failure, counts once.
 */
public final class JobObserver implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(JobObserver.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration POLL = Duration.ofMillis(100);

    /**
     * What was seen so far.
     *
     * @param examples different scores
     * @param metric of the model over the last scores
     * @param naive the naive predictor that does better so far
     * @param baseline its metric over the last scores
     * @param newestVersion the highest version of a model
     * @param models how many models were published
     * @param rejected different dead letters
     */
    public record Glance(
            long examples,
            double metric,
            Predictor naive,
            double baseline,
            long newestVersion,
            int models,
            long rejected) {}

    private final Topics topics;
    private final Metric metric;
    private final Evaluation evaluation;
    private final Map<String, Long> versions = new TreeMap<>();
    private final Set<String> deadLetters = new HashSet<>();
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<TopicPartition> partitions = new ArrayList<>();
    private final Thread thread;

    private long lookNanos = System.nanoTime();
    private long firstNanos = -1;
    private long lastNanos = -1;

    private volatile boolean lastRound;
    private volatile RuntimeException failure;

    /** Starts to read at the end of the topics, which must exist: call it before the job is submitted. */
    public JobObserver(JobSettings settings, Metric metric) {
        this(settings, metric, settings.committedOnly());
    }

    /** @param committedOnly whether to see only what counts; else what the job does is seen as soon as it does it */
    public JobObserver(JobSettings settings, Metric metric, boolean committedOnly) {
        this.topics = settings.topics();
        this.metric = metric;
        this.evaluation = new Evaluation(
                settings.learner().schema().task(), settings.learner().network().quantile());
        this.consumer = new KafkaConsumer<>(
                settings.kafka()
                        .client(
                                Map.of(),
                                Map.of(
                                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                                        "false",
                                        ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                                        committedOnly ? "read_committed" : "read_uncommitted")),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        for (String topic : List.of(topics.scores(), topics.models(), topics.deadLetters())) {
            consumer.partitionsFor(topic)
                    .forEach(partition -> partitions.add(new TopicPartition(topic, partition.partition())));
        }
        consumer.assign(partitions);
        consumer.seekToEnd(partitions);
        partitions.forEach(consumer::position);
        thread = new Thread(this::read, "job-observer");
        thread.setDaemon(true);
        thread.start();
    }

    public synchronized Glance glance() {
        Predictor naive = evaluation.baseline(metric);
        return new Glance(
                evaluation.examples(),
                evaluation.window(Predictor.MODEL, metric),
                naive,
                evaluation.window(naive, metric),
                versions.values().stream().mapToLong(Long::longValue).max().orElse(0),
                versions.size(),
                deadLetters.size());
    }

    /**
     * Reads what the topics hold by now, which is all once the job has ended, and stops.
     *
     * @return the judgement of all scores
     */
    public Evaluation finish() throws InterruptedException {
        lastRound = true;
        thread.join();
        if (failure != null) {
            throw failure;
        }
        return evaluation;
    }

    /** Seconds between the first and the last new score, to a tenth; call it after {@link #finish()}. */
    public double seconds() {
        return (lastNanos - firstNanos) / 1e9;
    }

    /** Different dead letters. */
    public synchronized long rejected() {
        return deadLetters.size();
    }

    @Override
    public void close() {
        lastRound = true;
        consumer.wakeup();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void read() {
        try (consumer) {
            while (!lastRound) {
                take();
            }
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                take();
            }
        } catch (WakeupException e) {
            LOG.debug("The observer was closed before it had read everything");
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    private void take() {
        long before = lookNanos;
        ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
        lookNanos = System.nanoTime();
        long examplesBefore = evaluation.examples();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            try {
                take(record);
            } catch (IOException e) {
                LOG.warn(
                        "{} partition {} offset {} cannot be read: {}",
                        record.topic(),
                        record.partition(),
                        record.offset(),
                        e.getMessage());
            }
        }
        if (evaluation.examples() > examplesBefore) {
            firstNanos = firstNanos < 0 ? before : firstNanos;
            lastNanos = lookNanos;
        }
    }

    private synchronized void take(ConsumerRecord<byte[], byte[]> record) throws IOException {
        if (record.topic().equals(topics.scores())) {
            JsonNode score = JSON.readTree(record.value());
            evaluation.add(score.path("model").asText(), score(score));
        } else if (record.topic().equals(topics.models())) {
            String key = new String(record.key(), StandardCharsets.UTF_8);
            if (record.value() != null && key.contains("/manifest/")) {
                JsonNode manifest = JSON.readTree(record.value());
                versions.merge(
                        manifest.path("model").asText(),
                        manifest.path("version").asLong(),
                        Math::max);
            }
        } else {
            StringBuilder origin = new StringBuilder();
            for (Header header : record.headers()) {
                origin.append(header.key()).append('=');
                origin.append(new String(header.value(), StandardCharsets.UTF_8))
                        .append(' ');
            }
            deadLetters.add(origin.toString());
        }
    }

    private static Score score(JsonNode node) {
        return new Score(
                node.path("partition").asInt(),
                node.path("offset").asLong(),
                node.path("row").asInt(),
                node.path("timestamp").asLong(),
                node.path("step").asLong(),
                node.path("prediction").asDouble(Double.NaN),
                node.path("label").asDouble(Double.NaN),
                node.path("noChange").asDouble(Double.NaN),
                node.path("prior").asDouble(Double.NaN),
                node.path("weight").asDouble(1),
                node.has("answer")
                        ? new Score.Answers(
                                node.path("answer").asInt(),
                                node.path("noChangeAnswer").asInt(),
                                node.path("priorAnswer").asInt())
                        : null);
    }
}
