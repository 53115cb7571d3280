// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import static java.util.stream.Collectors.toMap;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * Creates and describes topics. Every failure is a {@link ConnectorException} whose message is one sentence; a broker
 * that is not there is reported within {@link #CONNECT_TIMEOUT}.
 */
public final class TopicAdmin implements AutoCloseable {

    /** How long a broker has to show that it is there. */
    public static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(15);

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private static final Duration VISIBILITY_POLL = Duration.ofMillis(50);
    private static final String CLIENT_ID = "kronstream-admin";
    private static final Set<TransactionState> LIVING =
            Set.of(TransactionState.ONGOING, TransactionState.PREPARE_COMMIT, TransactionState.COMPLETE_COMMIT);

    private static final String TRANSACTION_LIMIT = "transaction.max.timeout.ms";

    private final KafkaSettings settings;
    private final Admin admin;

    private TopicAdmin(KafkaSettings settings, Admin admin) {
        this.settings = settings;
        this.admin = admin;
    }

    /** @throws ConnectorException if the address is malformed or no broker answers there */
    public static TopicAdmin connect(KafkaSettings settings) {
        Map<String, ?> fixed = Map.of(
                AdminClientConfig.CLIENT_ID_CONFIG,
                CLIENT_ID,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                TIMEOUT.toMillis());
        Admin admin;
        try {
            admin = Admin.create(settings.client(Map.of(), fixed));
        } catch (KafkaException e) {
            throw new ConnectorException("Kafka cannot be reached at " + settings.bootstrap() + ": " + rootMessage(e));
        }
        TopicAdmin connected = new TopicAdmin(settings, admin);
        try {
            DescribeClusterOptions soon = new DescribeClusterOptions().timeoutMs((int) CONNECT_TIMEOUT.toMillis());
            connected.await(admin.describeCluster(soon).clusterId());
            return connected;
        } catch (RuntimeException e) {
            admin.close(Duration.ZERO);
            throw e;
        }
    }

    /**
     * Creates the topics that are missing, and waits until every one can be used. A topic that exists stays as it is,
     * except that the channel gets more partitions if it has too few.
     *
     * @throws ConnectorException if the models topic exists and is not compacted
     */
    public void ensure(Topics topics, TopicSettings wanted) {
        ensure(topics, wanted, true, false);
    }

    /**
     * The same.
     *
     * @param examples whether the topic of the examples is created, too: others may write the ones that are learned from
     * @param register whether the {@link TopicRegister} is
     * @throws ConnectorException also if the register exists and would not keep all its records
     */
    public void ensure(Topics topics, TopicSettings wanted, boolean examples, boolean register) {
        List<NewTopic> layout = new ArrayList<>(layout(topics, wanted));
        layout.removeIf(topic -> !examples && topic.name().equals(topics.examples()));
        layout.removeIf(topic -> !register && topic.name().equals(topics.register()));
        Set<String> existing = new HashSet<>(await(admin.listTopics().names()));
        List<NewTopic> missing = layout.stream()
                .filter(topic -> !existing.contains(topic.name()))
                .toList();
        admin.createTopics(missing).values().forEach((topic, creation) -> {
            if (!created(creation)) {
                existing.add(topic); // by someone else in the meantime
            }
        });
        layout.forEach(topic -> awaitPartitions(topic.name(), 1));
        // Seen is not yet hosted: a producer whose first record is refused while its second is taken loses the first.
        layout.forEach(topic -> endOffsets(topic.name()));

        if (existing.contains(topics.models())) {
            requireCompacted(topics.models());
        }
        if (register && existing.contains(topics.register())) {
            requireKept(topics.register());
        }
        if (partitions(topics.channel()) < wanted.channelPartitions()) {
            await(admin.createPartitions(Map.of(topics.channel(), NewPartitions.increaseTo(wanted.channelPartitions())))
                    .all());
            awaitPartitions(topics.channel(), wanted.channelPartitions());
            endOffsets(topics.channel());
        }
    }

    /** False if the topic existed already. */
    private boolean created(KafkaFuture<Void> creation) {
        try {
            creation.get();
            return true;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof TopicExistsException) {
                return false;
            }
            throw refusal(e.getCause());
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    /** What a broker has confirmed, it shows a moment later. */
    private void awaitPartitions(String topic, int count) {
        long deadline = System.nanoTime() + TIMEOUT.toNanos();
        while (visiblePartitions(topic) < count) {
            if (System.nanoTime() > deadline) {
                throw new ConnectorException("Topic " + topic + " was created on Kafka at " + settings.bootstrap()
                        + ", but cannot be seen there after " + TIMEOUT.toSeconds() + " s");
            }
            LockSupport.parkNanos(VISIBILITY_POLL.toNanos());
            if (Thread.currentThread().isInterrupted()) {
                throw interrupted();
            }
        }
    }

    /**
     * Examples are stamped with their own time, which may be decades ago: so they are neither expired nor rolled into a
     * new segment by it, nor refused for being from the future.
     */
    private static List<NewTopic> layout(Topics topics, TopicSettings wanted) {
        Optional<Short> replication =
                wanted.replication() == 0 ? Optional.empty() : Optional.of((short) wanted.replication());
        List<NewTopic> layout = new ArrayList<>();
        layout.add(new NewTopic(topics.examples(), Optional.of(wanted.examplePartitions()), replication)
                .configs(Map.of(
                        TopicConfig.RETENTION_MS_CONFIG, "-1",
                        TopicConfig.SEGMENT_MS_CONFIG, Long.toString(Long.MAX_VALUE),
                        TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG, "CreateTime",
                        TopicConfig.MESSAGE_TIMESTAMP_BEFORE_MAX_MS_CONFIG, Long.toString(Long.MAX_VALUE),
                        TopicConfig.MESSAGE_TIMESTAMP_AFTER_MAX_MS_CONFIG, Long.toString(Long.MAX_VALUE))));
        layout.add(new NewTopic(topics.models(), Optional.of(wanted.examplePartitions()), replication)
                .configs(Map.of(
                        TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT,
                        TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(TopicSettings.MAX_RECORD_BYTES),
                        TopicConfig.SEGMENT_BYTES_CONFIG, Integer.toString(64 << 20))));
        layout.add(new NewTopic(topics.journal(), Optional.of(wanted.examplePartitions()), replication)
                .configs(Map.of(
                        TopicConfig.RETENTION_MS_CONFIG,
                        "-1",
                        TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                        Integer.toString(TopicSettings.MAX_RECORD_BYTES))));
        layout.add(new NewTopic(topics.channel(), Optional.of(wanted.channelPartitions()), replication)
                .configs(Map.of(
                        TopicConfig.RETENTION_MS_CONFIG,
                                Long.toString(Duration.ofMinutes(10).toMillis()),
                        TopicConfig.SEGMENT_MS_CONFIG,
                                Long.toString(Duration.ofMinutes(5).toMillis()),
                        TopicConfig.SEGMENT_BYTES_CONFIG, Integer.toString(64 << 20),
                        TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(TopicSettings.MAX_RECORD_BYTES))));
        layout.add(new NewTopic(topics.scores(), Optional.of(wanted.examplePartitions()), replication));
        layout.add(new NewTopic(topics.metrics(), Optional.of(1), replication));
        layout.add(new NewTopic(topics.register(), Optional.of(1), replication)
                .configs(Map.of(
                        TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_DELETE,
                        TopicConfig.RETENTION_MS_CONFIG, "-1",
                        TopicConfig.RETENTION_BYTES_CONFIG, "-1")));
        layout.add(new NewTopic(topics.deadLetters(), Optional.of(1), replication));
        return layout;
    }

    private void requireCompacted(String topic) {
        String policy = config(new ConfigResource(ConfigResource.Type.TOPIC, topic))
                .get(TopicConfig.CLEANUP_POLICY_CONFIG)
                .value();
        if (!policy.contains(TopicConfig.CLEANUP_POLICY_COMPACT)) {
            throw new ConnectorException("Topic " + topic + " has cleanup.policy=" + policy
                    + ", under which models would expire: set it to compact");
        }
    }

    private void requireKept(String topic) {
        Config config = config(new ConfigResource(ConfigResource.Type.TOPIC, topic));
        if (!config.get(TopicConfig.CLEANUP_POLICY_CONFIG).value().equals(TopicConfig.CLEANUP_POLICY_DELETE)
                || !config.get(TopicConfig.RETENTION_MS_CONFIG).value().equals("-1")
                || !config.get(TopicConfig.RETENTION_BYTES_CONFIG).value().equals("-1")) {
            throw new ConnectorException("Topic " + topic + " would lose records, by which the job knows its topics:"
                    + " set cleanup.policy=delete, retention.ms=-1 and retention.bytes=-1");
        }
    }

    public boolean exists(String topic) {
        return topics().contains(topic);
    }

    /** The names of all topics, sorted. */
    public SortedSet<String> topics() {
        return new TreeSet<>(await(admin.listTopics().names()));
    }

    /** @throws ConnectorException if there is no such topic */
    public int partitions(String topic) {
        int partitions = visiblePartitions(topic);
        if (partitions == 0) {
            throw new ConnectorException("Topic " + topic + " does not exist on Kafka at " + settings.bootstrap());
        }
        return partitions;
    }

    /** Number of partitions of a topic, 0 if there is no such topic. */
    private int visiblePartitions(String topic) {
        try {
            TopicDescription description = admin.describeTopics(List.of(topic))
                    .topicNameValues()
                    .get(topic)
                    .get();
            return description.partitions().size();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return 0;
            }
            throw refusal(e.getCause());
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    /** For each partition the offset that its next record will get. */
    public SortedMap<Integer, Long> endOffsets(String topic) {
        return offsets(topic, OffsetSpec.latest());
    }

    /** For each partition the offset of the oldest record that is still there. */
    public SortedMap<Integer, Long> startOffsets(String topic) {
        return offsets(topic, OffsetSpec.earliest());
    }

    /**
     * For each partition of the examples topic the offset before which the job's last checkpoint has read everything; 0
     * where it has read nothing. The job commits it a moment after the checkpoint.
     */
    public SortedMap<Integer, Long> trainedOffsets(Topics topics) {
        SortedMap<Integer, Long> offsets = new TreeMap<>();
        for (int partition = 0, count = partitions(topics.examples()); partition < count; partition++) {
            offsets.put(partition, 0L);
        }
        await(admin.listConsumerGroupOffsets(topics.trainGroup()).partitionsToOffsetAndMetadata())
                .forEach((partition, committed) -> {
                    if (partition.topic().equals(topics.examples()) && committed != null) {
                        offsets.put(partition.partition(), committed.offset());
                    }
                });
        return offsets;
    }

    private SortedMap<Integer, Long> offsets(String topic, OffsetSpec spec) {
        Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
        for (int partition = 0, count = partitions(topic); partition < count; partition++) {
            wanted.put(new TopicPartition(topic, partition), spec);
        }
        Map<TopicPartition, ListOffsetsResultInfo> found =
                await(admin.listOffsets(wanted).all());
        return found.entrySet().stream()
                .collect(toMap(e -> e.getKey().partition(), e -> e.getValue().offset(), (a, b) -> a, TreeMap::new));
    }

    /** Bytes of the largest record batch that a topic takes. */
    public int maxRecordBytes(String topic) {
        partitions(topic);
        return Integer.parseInt(config(new ConfigResource(ConfigResource.Type.TOPIC, topic))
                .get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG)
                .value());
    }

    /** The longest transaction timeout, in milliseconds, that every broker of the cluster accepts. */
    public long maxTransactionTimeout() {
        long limit = Long.MAX_VALUE;
        for (Node node : await(admin.describeCluster().nodes())) {
            Config broker = config(new ConfigResource(ConfigResource.Type.BROKER, node.idString()));
            limit = Math.min(limit, Long.parseLong(broker.get(TRANSACTION_LIMIT).value()));
        }
        return limit;
    }

    /**
     * The job's transactions that are open or were committed, each as {@code id state}. A job that writes adds to them with
     * every checkpoint; what a dead one has left can only vanish.
     */
    public Set<String> transactions(Topics topics) {
        Pattern ids = Pattern.compile(
                Pattern.quote(topics.prefix() + ".") + "(scores|models|journal|metrics|examples\\.dlq)-.*");
        return await(admin.listTransactions().all()).stream()
                .filter(transaction ->
                        ids.matcher(transaction.transactionalId()).matches())
                .filter(transaction -> LIVING.contains(transaction.state()))
                .map(transaction -> transaction.transactionalId() + " " + transaction.state())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private Config config(ConfigResource resource) {
        return await(admin.describeConfigs(List.of(resource)).all()).get(resource);
    }

    private <T> T await(KafkaFuture<T> answer) {
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw refusal(e.getCause());
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    private ConnectorException refusal(Throwable cause) {
        if (cause instanceof TimeoutException || cause instanceof DisconnectException) {
            return new ConnectorException(
                    "Kafka at " + settings.bootstrap() + " did not answer: check the address and that the broker runs");
        }
        return new ConnectorException("Kafka at " + settings.bootstrap() + " refused: " + rootMessage(cause));
    }

    private static ConnectorException interrupted() {
        Thread.currentThread().interrupt();
        return new ConnectorException("Interrupted while waiting for Kafka");
    }

    private static String rootMessage(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage();
    }

    @Override
    public void close() {
        admin.close(CONNECT_TIMEOUT);
    }
}
