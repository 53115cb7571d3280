// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TopicRegister;
import io.kronstream.connectors.Topics;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import org.apache.flink.connector.kafka.source.enumerator.subscriber.KafkaSubscriber;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Partitions of the topics whose names match a pattern, and of those that the job was submitted with. A topic gets its
 * place in the register before anything of it is read; one that cannot get it is looked at again next time, and the job goes
 * on without it. Topics that are gone are passed over.
 */
final class MatchingTopics implements KafkaSubscriber {
    private static final long serialVersionUID = 1;
    private static final Logger LOG = LoggerFactory.getLogger(MatchingTopics.class);

    private final List<String> submitted;
    private final Pattern pattern;
    private final Topics own;
    private final TopicRegister register;
    private final Set<String> registered;

    /**
     * @param submitted topics that have their places
     * @param pattern of names, or null if no topics are to be found later
     * @param own the job's topics, which it does not learn from
     */
    MatchingTopics(List<String> submitted, Pattern pattern, Topics own, TopicRegister register) {
        this.submitted = List.copyOf(submitted);
        this.pattern = pattern;
        this.own = own;
        this.register = register;
        this.registered = new HashSet<>(submitted);
    }

    @Override
    public Set<TopicPartition> getSubscribedTopicPartitions(AdminClient admin) {
        Set<String> existing;
        try {
            existing = await(admin.listTopics().names());
        } catch (ExecutionException e) {
            throw refusal(e);
        }
        Set<String> wanted = new TreeSet<>(submitted);
        wanted.retainAll(existing);
        Set<String> found = new TreeSet<>();
        for (String topic : existing) {
            if (pattern != null && pattern.matcher(topic).matches() && !own.isOwn(topic)) {
                (registered.contains(topic) ? wanted : found).add(topic);
            }
        }
        if (!found.isEmpty() && register(found)) {
            wanted.addAll(found);
        }
        return partitions(admin, wanted);
    }

    private boolean register(Set<String> found) {
        try {
            register.add(found);
            registered.addAll(found);
            LOG.info("Topics {} match '{}' and are learned from, from their beginning", found, pattern);
            return true;
        } catch (ConnectorException e) {
            LOG.warn("Topics {} match '{}', but are not learned from yet: {}", found, pattern, e.getMessage());
            return false;
        }
    }

    private static Set<TopicPartition> partitions(AdminClient admin, Set<String> topics) {
        Set<TopicPartition> partitions = new HashSet<>();
        admin.describeTopics(topics).topicNameValues().forEach((topic, description) -> {
            try {
                await(description)
                        .partitions()
                        .forEach(partition -> partitions.add(new TopicPartition(topic, partition.partition())));
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw refusal(e);
                }
                // deleted since the topics were listed
            }
        });
        return partitions;
    }

    private static <T> T await(KafkaFuture<T> answer) throws ExecutionException {
        try {
            return answer.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConnectorException("Interrupted while topics to learn from are looked up");
        }
    }

    private static ConnectorException refusal(ExecutionException failure) {
        return new ConnectorException("The topics to learn from cannot be looked up: "
                + failure.getCause().getMessage());
    }
}
