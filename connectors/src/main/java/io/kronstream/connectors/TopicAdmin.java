// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import static java.util.stream.Collectors.toMap;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
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
 * that does not answer is reported within {@link #TIMEOUT}.
 */
public final class TopicAdmin implements AutoCloseable {

    /** How long a broker has to answer. */
    public static final Duration TIMEOUT = Duration.ofSeconds(5);

    private static final String CLIENT_ID = "kronstream-admin";
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
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                TIMEOUT.toMillis() - 1000,
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
            connected.await(admin.describeCluster().clusterId());
            return connected;
        } catch (RuntimeException e) {
            admin.close(Duration.ZERO);
            throw e;
        }
    }

    /**
     * Creates the topics that are missing. A topic that exists stays as it is, except that the channel gets more partitions
     * if it has too few.
     *
     * @throws ConnectorException if the models topic exists and is not compacted
     */
    public void ensure(Topics topics, TopicSettings wanted) {
        Map<String, NewTopic> missing = new TreeMap<>();
        for (NewTopic topic : layout(topics, wanted)) {
            missing.put(topic.name(), topic);
        }
        Set<String> existing = await(admin.listTopics().names());
        boolean modelsExisted = existing.contains(topics.models());
        boolean channelExisted = existing.contains(topics.channel());
        missing.keySet().removeAll(existing);
        admin.createTopics(missing.values()).values().values().forEach(this::awaitCreation);

        if (modelsExisted) {
            requireCompacted(topics.models());
        }
        if (channelExisted && partitions(topics.channel()) < wanted.channelPartitions()) {
            await(admin.createPartitions(Map.of(topics.channel(), NewPartitions.increaseTo(wanted.channelPartitions())))
                    .all());
        }
    }

    /**
     * Examples are stamped with their own time, which may be decades ago: so they are neither expired nor rolled into a new
     * segment by it, nor refused for being from the future.
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
        layout.add(new NewTopic(topics.control(), Optional.of(wanted.examplePartitions()), replication)
                .configs(Map.of(TopicConfig.RETENTION_MS_CONFIG, "-1")));
        layout.add(new NewTopic(topics.models(), Optional.of(wanted.examplePartitions()), replication)
                .configs(Map.of(
                        TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT,
                        TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(TopicSettings.MAX_RECORD_BYTES),
                        TopicConfig.SEGMENT_BYTES_CONFIG, Integer.toString(64 << 20))));
        layout.add(new NewTopic(topics.channel(), Optional.of(wanted.channelPartitions()), replication)
                .configs(Map.of(
                        TopicConfig.RETENTION_MS_CONFIG,
                                Long.toString(Duration.ofMinutes(10).toMillis()),
                        TopicConfig.SEGMENT_MS_CONFIG,
                                Long.toString(Duration.ofMinutes(5).toMillis()),
                        TopicConfig.SEGMENT_BYTES_CONFIG, Integer.toString(64 << 20),
                        TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(TopicSettings.MAX_RECORD_BYTES))));
        layout.add(new NewTopic(topics.scores(), Optional.of(wanted.examplePartitions()), replication));
        layout.add(new NewTopic(topics.deadLetters(), Optional.of(1), replication));
        return layout;
    }

    private void awaitCreation(KafkaFuture<Void> creation) {
        try {
            creation.get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw refusal(e.getCause());
            }
        } catch (InterruptedException e) {
            throw interrupted();
        }
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

    public boolean exists(String topic) {
        return await(admin.listTopics().names()).contains(topic);
    }

    /** @throws ConnectorException if there is no such topic */
    public int partitions(String topic) {
        try {
            TopicDescription description = admin.describeTopics(List.of(topic))
                    .topicNameValues()
                    .get(topic)
                    .get();
            return description.partitions().size();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                throw new ConnectorException("Topic " + topic + " does not exist on Kafka at " + settings.bootstrap());
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

    /** The longest transaction timeout, in milliseconds, that every broker of the cluster accepts. */
    public long maxTransactionTimeout() {
        long limit = Long.MAX_VALUE;
        for (Node node : await(admin.describeCluster().nodes())) {
            Config broker = config(new ConfigResource(ConfigResource.Type.BROKER, node.idString()));
            limit = Math.min(limit, Long.parseLong(broker.get(TRANSACTION_LIMIT).value()));
        }
        return limit;
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
            return new ConnectorException("Kafka at " + settings.bootstrap() + " did not answer within "
                    + TIMEOUT.toSeconds() + " s: check the address and that the broker runs");
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
        admin.close(TIMEOUT);
    }
}
