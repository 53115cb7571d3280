// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.channel;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.state.RefreshAnswerCodec;
import io.kronstream.state.TensorChannel;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Sends answers without waiting for the broker; what goes wrong is thrown by the next {@link #send}. */
final class ChannelWriter implements TensorChannel.Writer {
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private final String topic;
    private final int parallelism;
    private final int maxParallelism;
    private final RefreshAnswerCodec codec = new RefreshAnswerCodec();
    private final KafkaProducer<byte[], byte[]> producer;
    private final AtomicReference<Exception> failure = new AtomicReference<>();
    private final long writer = UUID.randomUUID().getMostSignificantBits();
    private long sequence;

    ChannelWriter(KafkaSettings settings, String topic, int parallelism, int maxParallelism) {
        this.topic = topic;
        this.parallelism = parallelism;
        this.maxParallelism = maxParallelism;
        Map<String, ?> fixed = Map.of(
                ProducerConfig.CLIENT_ID_CONFIG,
                topic + ".writer",
                ProducerConfig.ACKS_CONFIG,
                "1",
                ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                false,
                ProducerConfig.LINGER_MS_CONFIG,
                0,
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                Duration.ofSeconds(20).toMillis());
        try {
            producer = new KafkaProducer<>(
                    settings.client(Map.of(), fixed), new ByteArraySerializer(), new ByteArraySerializer());
        } catch (KafkaException e) {
            throw unwritable(e);
        }
        try {
            KafkaTensorChannel.requirePartitions(
                    topic, producer.partitionsFor(topic).size(), parallelism);
        } catch (KafkaException e) {
            close();
            throw unwritable(e);
        } catch (ConnectorException e) {
            close();
            throw e;
        }
    }

    @Override
    public void send(RefreshAnswer answer) {
        Exception problem = failure.getAndSet(null);
        if (problem != null) {
            throw unwritable(problem);
        }
        int partition =
                KeyGroupRangeAssignment.assignKeyToParallelOperator(answer.model(), maxParallelism, parallelism);
        try {
            for (byte[] piece : AnswerChunk.cut(answer.model(), writer, sequence++, codec.toBytes(answer))) {
                producer.send(new ProducerRecord<>(topic, partition, null, piece), (metadata, e) -> {
                    if (e != null) {
                        failure.compareAndSet(null, e);
                    }
                });
            }
        } catch (InterruptException e) {
            throw new ConnectorException("Interrupted while sending to topic " + topic);
        } catch (KafkaException e) {
            throw unwritable(e);
        }
    }

    private ConnectorException unwritable(Exception e) {
        return new ConnectorException("Topic " + topic + " cannot be written: " + e.getMessage());
    }

    @Override
    public void close() {
        producer.close(CLOSE_TIMEOUT);
    }
}
