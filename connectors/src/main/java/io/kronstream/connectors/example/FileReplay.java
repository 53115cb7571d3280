// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.format.RowFormat;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Mode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;

/**
 * Sends rows to the examples topic, in their order and each exactly once. The key of a record is the id of its model,
 * so that one model's records come from one partition; in arrival mode, rows are dealt to the partitions in turn. Its timestamp is the row's own time, or where the row has none,
 * its index as seconds since the epoch: never the clock. So the same rows always make the same topic. A row that cannot
 * be read is sent too, under the default model: it is for the job to reject it.
 *
 * <p>{@link #plan} says beforehand what {@link #replay} will do. Not thread-safe, but for {@link #sent()} and {@link
 * #stop()}.
 */
public final class FileReplay implements AutoCloseable {

    private static final String CLIENT_ID = "kronstream-replay";
    private static final int BATCH_BYTES = 64 << 10;
    /** How long a broker may be away in the middle of a replay: one that was killed has its logs to check first. */
    private static final int BROKER_PATIENCE_MILLIS = 300_000;

    private static final int LINGER_MILLIS = 5;

    private final String topic;
    private final int partitions;
    private final Mode mode;
    private final RowRouter router;
    private final KafkaProducer<byte[], byte[]> producer;
    private final AtomicReference<Exception> failure = new AtomicReference<>();
    private long since = -1;
    private volatile long sent;
    private volatile boolean stopped;

    /**
     * @param schema what the rows' columns mean
     * @param defaultModel the model of rows without a key
     * @throws ConnectorException if the topic is not there
     */
    public FileReplay(KafkaSettings settings, String topic, DataSchema schema, String defaultModel) {
        this(settings, topic, schema, defaultModel, Mode.ORDERED);
    }

    /** One that in {@link Mode#ARRIVAL} deals the rows to all partitions in turn. */
    public FileReplay(KafkaSettings settings, String topic, DataSchema schema, String defaultModel, Mode mode) {
        this(settings, topic, new RowRouter(schema, defaultModel), mode);
    }

    /**
     * One of rows of which nothing is known but where their key and time are.
     *
     * @param key column whose text is the records' key, or null to deal the rows to the partitions in turn
     * @param time column of the records' timestamps, or null
     */
    public FileReplay(KafkaSettings settings, String topic, List<String> columns, String key, String time) {
        this(settings, topic, new RowRouter(columns, key, time, ""), key == null ? Mode.ARRIVAL : Mode.ORDERED);
    }

    private FileReplay(KafkaSettings settings, String topic, RowRouter router, Mode mode) {
        this.topic = topic;
        this.mode = mode;
        this.router = router;
        try (TopicAdmin admin = TopicAdmin.connect(settings)) {
            this.partitions = admin.partitions(topic);
        }
        Map<String, ?> defaults = Map.of(
                ProducerConfig.BATCH_SIZE_CONFIG,
                BATCH_BYTES,
                ProducerConfig.LINGER_MS_CONFIG,
                LINGER_MILLIS,
                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                2 * RowFormat.MAX_VALUE_BYTES,
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                BROKER_PATIENCE_MILLIS,
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                BROKER_PATIENCE_MILLIS);
        Map<String, ?> fixed = Map.of(
                ProducerConfig.CLIENT_ID_CONFIG,
                CLIENT_ID,
                ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                true,
                ProducerConfig.ACKS_CONFIG,
                "all");
        this.producer = new KafkaProducer<>(
                settings.client(defaults, fixed), new ByteArraySerializer(), new ByteArraySerializer());
    }

    /**
     * Gives records other timestamps than their rows say: from this moment on, a millisecond for each row. A broker that
     * starts again forgets all producers whose last record is older than a day by its timestamp, and then takes twice what
     * a producer sends again because the broker died before it answered. To be called before anything is sent.
     *
     * @param millis since the epoch; of the last day, where the broker may die
     */
    public void timesFrom(long millis) {
        since = millis;
    }

    /**
     * How many records each partition will get from these rows.
     *
     * @param partitions partitions of the examples topic
     */
    public static SortedMap<Integer, Long> plan(
            Iterator<byte[]> rows, DataSchema schema, String defaultModel, int partitions) {
        return plan(rows, schema, defaultModel, partitions, Mode.ORDERED);
    }

    /** The same for a replay in this mode. */
    public static SortedMap<Integer, Long> plan(
            Iterator<byte[]> rows, DataSchema schema, String defaultModel, int partitions, Mode mode) {
        RowRouter router = new RowRouter(schema, defaultModel);
        SortedMap<Integer, Long> counts = zeros(partitions);
        for (long index = 0; rows.hasNext(); index++) {
            counts.merge(partition(router.key(rows.next()), index, partitions, mode), 1L, Long::sum);
        }
        return counts;
    }

    /** The offsets before which a bounded run stops: the topic's end offsets before a replay, plus its plan. */
    public static SortedMap<Integer, Long> stopOffsets(Map<Integer, Long> endOffsets, Map<Integer, Long> plan) {
        SortedMap<Integer, Long> stop = new TreeMap<>(endOffsets);
        plan.forEach((partition, count) -> stop.merge(partition, count, Long::sum));
        return stop;
    }

    /** Rows of text as rows of bytes. */
    public static Iterator<byte[]> bytes(Iterator<String> rows) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return rows.hasNext();
            }

            @Override
            public byte[] next() {
                return rows.next().getBytes(StandardCharsets.UTF_8);
            }
        };
    }

    /** Sends all rows as fast as the broker takes them. */
    public SortedMap<Integer, Long> replay(Iterator<byte[]> rows) {
        return replay(rows, Pace.FREE);
    }

    /** The same with a bound on the rate; 0 for none. */
    public SortedMap<Integer, Long> replay(Iterator<byte[]> rows, double rowsPerSecond) {
        return replay(rows, new Pace(rowsPerSecond, 0));
    }

    /**
     * Sends rows until there are no more or {@link #stop()} is called, and waits until the broker has all of them.
     *
     * @return how many records each partition got
     * @throws ConnectorException if the broker does not take them; records before that may have been taken
     */
    public SortedMap<Integer, Long> replay(Iterator<byte[]> rows, Pace pace) {
        try {
            SortedMap<Integer, Long> counts = zeros(partitions);
            long started = System.nanoTime();
            long first = 0;
            for (long index = 0; rows.hasNext() && !stopped; index++) {
                byte[] row = rows.next();
                RowRouter.Route route = router.route(row, index);
                first = index == 0 ? route.timestamp() : first;
                if (!pace.isFree()) {
                    pause(started + pace.due(index, route.timestamp() - first));
                    if (stopped) {
                        break;
                    }
                }
                int partition = send(row, route, index);
                counts.merge(partition, 1L, Long::sum);
                sent++;
                requireNoFailure();
            }
            producer.flush();
            requireNoFailure();
            return counts;
        } catch (InterruptException e) {
            throw new ConnectorException("Interrupted while sending rows to topic " + topic);
        } catch (KafkaException e) {
            throw new ConnectorException("Rows cannot be sent to topic " + topic + ": " + e.getMessage());
        }
    }

    private int send(byte[] row, RowRouter.Route route, long index) {
        int partition = partition(route.key(), index, partitions, mode);
        producer.send(
                new ProducerRecord<>(topic, partition, since < 0 ? route.timestamp() : since + index, route.key(), row),
                (metadata, problem) -> failure.compareAndSet(null, problem));
        return partition;
    }

    private void requireNoFailure() {
        Exception problem = failure.get();
        if (problem != null) {
            throw new ConnectorException("Rows cannot be sent to topic " + topic + ": " + problem.getMessage());
        }
    }

    private void pause(long until) {
        long left = until - System.nanoTime();
        while (left > 0 && !stopped && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(Math.min(left, Duration.ofMillis(100).toNanos()));
            left = until - System.nanoTime();
        }
    }

    /** The rule of Kafka's own producers for records with a key; in arrival mode one partition after the other. */
    private static int partition(byte[] key, long index, int partitions, Mode mode) {
        return mode == Mode.ARRIVAL ? (int) (index % partitions) : Utils.toPositive(Utils.murmur2(key)) % partitions;
    }

    private static SortedMap<Integer, Long> zeros(int partitions) {
        SortedMap<Integer, Long> counts = new TreeMap<>();
        for (int partition = 0; partition < partitions; partition++) {
            counts.put(partition, 0L);
        }
        return counts;
    }

    /** Rows handed to the producer so far; for a display. */
    public long sent() {
        return sent;
    }

    /**
     * Lets a running {@link #replay} end soon, after what it has sent is with the broker. May be called from any
     * thread.
     */
    public void stop() {
        stopped = true;
    }

    @Override
    public void close() {
        producer.close(Duration.ofSeconds(5));
    }
}
