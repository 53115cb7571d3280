// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.channel;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.state.RefreshAnswerCodec;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads one subtask's partition of the channel in a thread of its own, which does nothing but hand on whole answers.
 * Records that are no answers, or not for this subtask, are skipped and counted.
 */
public final class ChannelReader implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ChannelReader.class);

    private static final long ASSEMBLY_BYTES = 2L * AnswerChunk.MAX_ANSWER_BYTES;
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final Duration POLL = Duration.ofSeconds(1);

    private final String topic;
    private final int subtask;
    private final int parallelism;
    private final int maxParallelism;
    private final Consumer<RefreshAnswer> onAnswer;
    private final RefreshAnswerCodec codec = new RefreshAnswerCodec();
    private final AnswerAssembler assembler = new AnswerAssembler(ASSEMBLY_BYTES);
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Thread thread;
    private volatile boolean closed;
    private volatile long skipped;

    ChannelReader(
            KafkaSettings settings,
            String topic,
            int subtask,
            int parallelism,
            int maxParallelism,
            Consumer<RefreshAnswer> onAnswer) {
        this.topic = topic;
        this.subtask = subtask;
        this.parallelism = parallelism;
        this.maxParallelism = maxParallelism;
        this.onAnswer = onAnswer;
        Map<String, ?> fixed = Map.of(
                ConsumerConfig.CLIENT_ID_CONFIG,
                topic + ".reader-" + subtask,
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                false,
                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                false,
                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                "read_uncommitted",
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                "earliest",
                ConsumerConfig.FETCH_MIN_BYTES_CONFIG,
                1,
                ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                TIMEOUT.toMillis());
        try {
            consumer = new KafkaConsumer<>(
                    settings.client(Map.of(), fixed), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        } catch (KafkaException e) {
            throw unreadable(e);
        }
        try {
            fixPosition();
        } catch (KafkaException e) {
            consumer.close();
            throw unreadable(e);
        } catch (ConnectorException e) {
            consumer.close();
            throw e;
        }
        thread = new Thread(this::run, topic + " reader of subtask " + subtask);
        thread.setDaemon(true);
        thread.start();
    }

    private void fixPosition() {
        KafkaTensorChannel.requirePartitions(
                topic, consumer.partitionsFor(topic).size(), parallelism);
        List<TopicPartition> own = List.of(new TopicPartition(topic, subtask));
        consumer.assign(own);
        consumer.seekToEnd(own);
        consumer.position(own.get(0));
    }

    private void run() {
        try (consumer) {
            while (!closed) {
                for (ConsumerRecord<byte[], byte[]> read : consumer.poll(POLL)) {
                    if (closed) {
                        return;
                    }
                    take(read.value());
                }
            }
        } catch (WakeupException | InterruptException e) {
            LOG.debug("The reader of {} ends", topic);
        } catch (RuntimeException e) {
            if (!closed) {
                LOG.error("No more answers are read from topic {}; refreshes are done inline from now on", topic, e);
            }
        }
    }

    private void take(byte[] value) {
        RefreshAnswer answer;
        try {
            answer = assemble(value);
        } catch (IOException | IllegalArgumentException e) {
            skipped++;
            LOG.debug("Skipped a record of topic {}, partition {}: {}", topic, subtask, e.getMessage());
            return;
        }
        if (answer != null) {
            onAnswer.accept(answer);
        }
    }

    /** The answer that this record makes whole, or null. */
    private RefreshAnswer assemble(byte[] value) throws IOException {
        AnswerChunk chunk = AnswerChunk.parse(value);
        int owner = KeyGroupRangeAssignment.assignKeyToParallelOperator(chunk.model(), maxParallelism, parallelism);
        if (owner != subtask) {
            throw new IOException("model " + chunk.model() + " belongs to subtask " + owner);
        }
        byte[] whole = assembler.accept(chunk).orElse(null);
        if (whole == null) {
            return null;
        }
        RefreshAnswer answer = codec.fromBytes(whole);
        if (!answer.model().equals(chunk.model())) {
            throw new IOException("its pieces are for model " + chunk.model() + ", the answer for " + answer.model());
        }
        return answer;
    }

    /** Records that were no answers, or not for this subtask. May be called from any thread. */
    public long skipped() {
        return skipped;
    }

    private ConnectorException unreadable(KafkaException e) {
        return new ConnectorException("Topic " + topic + " cannot be read: " + e.getMessage());
    }

    /** Ends the thread; when this returns uninterrupted, no answer is handed on any more. */
    @Override
    public void close() {
        closed = true;
        consumer.wakeup();
        if (Thread.currentThread() == thread) {
            return;
        }
        try {
            thread.join(TIMEOUT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
