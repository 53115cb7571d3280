// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.Position;
import io.kronstream.connectors.TopicRegister;
import io.kronstream.connectors.Topics;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.example.RawRecordDeserializer;
import io.kronstream.connectors.model.ModelRecord;
import io.kronstream.evaluation.WindowMetrics;
import io.kronstream.state.DeadLetter;
import io.kronstream.state.ModelScore;
import io.kronstream.state.Origins;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.KafkaSourceOptions;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.CompressionType;

/** The sources and sinks of the job. */
public final class KafkaEnds {
    /** Records that are handed over at once: small ones are handed over faster than they are counted one by one. */
    private static final int POLL_RECORDS = 5000;

    /** Bytes of a producer's batch for one partition: with Kafka's 16 KiB a broker has more requests than work. */
    private static final int BATCH_BYTES = 128 << 10;

    /** How long a record may wait for a batch to fill; a checkpoint waits for none. */
    private static final int LINGER_MILLIS = 50;
    /** How soon new partitions are seen, unless a client property says otherwise. */
    private static final Duration DISCOVERY = Duration.ofSeconds(30);

    private KafkaEnds() {}

    /**
     * Reads the topics of the examples from where it is told to begin, or from the offsets of the checkpoint that the job is
     * restored from. An endless job also reads partitions that topics get later, and topics that come later and match the
     * pattern, from their beginning. Offsets are committed to the broker with each checkpoint, for monitoring alone.
     *
     * @param own the job's own topics; its consumer group is that of training, unless the client properties name one
     * @param origins the topics, and where those are registered that come later
     * @param pattern of the names of topics that come later, or null
     * @param start where to begin; a partition for which no offset is given begins where the group has
     *     committed, or with its oldest record
     * @param end where to end; a partition for which no offset is given gives nothing
     */
    public static Source<RawRecord, KafkaPartitionSplit, KafkaSourceEnumState> examples(
            KafkaSettings settings, Topics own, Origins origins, Pattern pattern, Position start, Position end) {
        boolean endless = end.kind() == Position.Kind.NEVER;
        KafkaSourceBuilder<RawRecord> source = KafkaSource.<RawRecord>builder()
                .setProperties(settings.client(
                        Map.of(
                                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                                "read_committed",
                                ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
                                POLL_RECORDS,
                                KafkaSourceOptions.PARTITION_DISCOVERY_INTERVAL_MS.key(),
                                DISCOVERY.toMillis()),
                        Map.of()))
                .setBootstrapServers(settings.bootstrap())
                .setGroupId(settings.properties().getOrDefault(ConsumerConfig.GROUP_ID_CONFIG, own.trainGroup()))
                .setClientIdPrefix(own.trainGroup())
                .setStartingOffsets(initializer(start, origins))
                .setDeserializer(new RawRecordDeserializer(origins));
        if (pattern == null) {
            source.setTopics(origins.names());
        } else {
            source.setKafkaSubscriber(new MatchingTopics(
                    origins.names(), endless ? pattern : null, own, new TopicRegister(settings, own)));
        }
        if (endless) {
            return source.build();
        }
        return new EndingSource<>(source.setBounded(initializer(end, origins)).build());
    }

    @SuppressWarnings("deprecation") // Flink's connector has no other way to name the reset strategy
    private static OffsetsInitializer initializer(Position position, Origins origins) {
        return switch (position.kind()) {
            case EARLIEST, NEVER -> OffsetsInitializer.earliest();
            case LATEST -> OffsetsInitializer.latest();
            case COMMITTED -> OffsetsInitializer.committedOffsets(
                    org.apache.kafka.clients.consumer.OffsetResetStrategy.EARLIEST);
            case TIMESTAMP -> OffsetsInitializer.timestamp(position.timestamp());
            case OFFSETS -> {
                Map<TopicPartition, Long> offsets = new HashMap<>();
                position.offsets().forEach((partition, offset) -> offsets.put(partition(partition, origins), offset));
                yield OffsetsInitializer.offsets(offsets);
            }
        };
    }

    /** What {@code PARTITION} or {@code TOPIC:PARTITION} names. */
    private static TopicPartition partition(String text, Origins origins) {
        int colon = text.indexOf(':');
        String topic = colon < 0 ? origins.names().get(0) : text.substring(0, colon);
        return new TopicPartition(topic, Integer.parseInt(text.substring(colon + 1)));
    }

    /**
     * Writes model records, all of one model to one partition.
     *
     * @param transactionTimeout for {@link Delivery#EXACTLY_ONCE}: longer than a checkpoint interval and the longest
     *     restart together, and within the broker's limit
     */
    public static KafkaSink<ModelRecord> models(
            KafkaSettings settings, Topics topics, Delivery delivery, Duration transactionTimeout) {
        return sink(
                settings,
                topics.models(),
                new ModelRecordSerializer(topics.models()),
                CompressionType.NONE,
                delivery,
                transactionTimeout);
    }

    /** Writes the records of journals, all of one model to one partition. */
    public static KafkaSink<ModelRecord> journal(
            KafkaSettings settings, Topics topics, Delivery delivery, Duration transactionTimeout) {
        return sink(
                settings,
                topics.journal(),
                new ModelRecordSerializer(topics.journal()),
                CompressionType.NONE,
                delivery,
                transactionTimeout);
    }

    /** Writes scores as JSON, the model's id as key. */
    public static KafkaSink<ModelScore> scores(
            KafkaSettings settings, Topics topics, Delivery delivery, Duration transactionTimeout) {
        return sink(
                settings,
                topics.scores(),
                new ScoreSerializer(topics.scores()),
                CompressionType.LZ4,
                delivery,
                transactionTimeout);
    }

    /** Writes the metrics of windows as JSON, the model's id as key. */
    public static KafkaSink<WindowMetrics> metrics(
            KafkaSettings settings, Topics topics, Delivery delivery, Duration transactionTimeout) {
        return sink(
                settings,
                topics.metrics(),
                new MetricsSerializer(topics.metrics()),
                CompressionType.LZ4,
                delivery,
                transactionTimeout);
    }

    /** Writes dead letters: the raw bytes, and in headers where they came from and what is wrong. */
    public static KafkaSink<DeadLetter> deadLetters(
            KafkaSettings settings, Topics topics, Delivery delivery, Duration transactionTimeout) {
        return sink(
                settings,
                topics.deadLetters(),
                new DeadLetterSerializer(topics.deadLetters()),
                CompressionType.NONE,
                delivery,
                transactionTimeout);
    }

    /**
     * @param compression of the producer's batches, unless a client property says otherwise: text gets a third as long,
     *     which saves the broker more than it costs; tensors are floats, which do not get smaller
     */
    private static <T> KafkaSink<T> sink(
            KafkaSettings settings,
            String topic,
            KafkaRecordSerializationSchema<T> serializer,
            CompressionType compression,
            Delivery delivery,
            Duration transactionTimeout) {
        return KafkaSink.<T>builder()
                .setKafkaProducerConfig(settings.client(
                        Map.of(
                                ProducerConfig.BATCH_SIZE_CONFIG,
                                BATCH_BYTES,
                                ProducerConfig.LINGER_MS_CONFIG,
                                LINGER_MILLIS,
                                ProducerConfig.COMPRESSION_TYPE_CONFIG,
                                compression.name),
                        Map.of(
                                ProducerConfig.CLIENT_ID_CONFIG,
                                topic,
                                ProducerConfig.TRANSACTION_TIMEOUT_CONFIG,
                                transactionTimeout.toMillis())))
                .setBootstrapServers(settings.bootstrap())
                .setRecordSerializer(serializer)
                .setDeliveryGuarantee(
                        switch (delivery) {
                            case AT_LEAST_ONCE -> DeliveryGuarantee.AT_LEAST_ONCE;
                            case EXACTLY_ONCE -> DeliveryGuarantee.EXACTLY_ONCE;
                        })
                .setTransactionalIdPrefix(topic)
                .build();
    }
}
