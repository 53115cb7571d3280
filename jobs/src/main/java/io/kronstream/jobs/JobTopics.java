// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.TopicRegister;
import io.kronstream.connectors.TopicSettings;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.TransactionState;

/** Makes a broker ready for a job. */
public final class JobTopics {
    private static final int MIN_PARTITIONS = 4;
    private static final Duration SHORT_LOOK = Duration.ofSeconds(3);
    private static final Duration LONGEST_LOOK = Duration.ofMinutes(1);
    private static final Duration PAUSE = Duration.ofMillis(250);

    private JobTopics() {}

    /** Partitions of the examples topic, where it does not exist yet. */
    public static int partitions(JobSettings settings) {
        return Math.max(MIN_PARTITIONS, settings.parallelism());
    }

    /**
     * Makes sure that no other job writes under this one's prefix: with transactions, each would undo what the other has not
     * committed yet. If there ever was one it looks for a moment whether somebody opens or commits a transaction; if one is
     * open, which may be what a dead job has left, for as long as two checkpoints take.
     *
     * @param notice told once why it takes a while, if it does
     * @throws ConnectorException with one sentence if another job writes
     */
    public static void requireSoleWriter(TopicAdmin admin, JobSettings settings, Consumer<String> notice)
            throws InterruptedException {
        Set<String> first = settings.committedOnly() ? admin.transactions(settings.topics()) : Set.of();
        if (first.isEmpty()) {
            return;
        }
        Duration look = SHORT_LOOK;
        if (first.stream().anyMatch(transaction -> transaction.endsWith(TransactionState.ONGOING.toString()))) {
            look = look.plusMillis(2 * settings.checkpoints().intervalMillis());
            look = look.compareTo(LONGEST_LOOK) < 0 ? look : LONGEST_LOOK;
            notice.accept(
                    "Transactions under prefix '%s' are open: looking for %d s whether another job goes on with them"
                            .formatted(settings.topics().prefix(), look.toSeconds()));
        }
        long start = System.nanoTime();
        while (System.nanoTime() - start < look.toNanos()) {
            TimeUnit.MILLISECONDS.sleep(PAUSE.toMillis());
            Set<String> now = admin.transactions(settings.topics());
            now.removeAll(first);
            if (!now.isEmpty()) {
                throw new ConnectorException("Another job writes under prefix '"
                        + settings.topics().prefix() + "', as transaction "
                        + now.iterator().next() + " shows: stop it, or give this one another '"
                        + JobOptions.TOPIC_PREFIX.key() + "'");
            }
        }
    }

    /**
     * Creates the topics that are missing and checks what the job needs of the broker.
     *
     * @throws ConnectorException with one sentence
     */
    public static void prepare(TopicAdmin admin, JobSettings settings) {
        JobSettings.Source source = settings.input().source();
        admin.ensure(
                settings.topics(),
                TopicSettings.of(partitions(settings), settings.parallelism()),
                source.isOwnTopic(),
                source.pattern() != null);
        if (source.pattern() != null) {
            register(settings, source.topics());
        }
        if (settings.committedOnly()) {
            long wanted = settings.transactionTimeout().toMillis();
            long limit = admin.maxTransactionTimeout();
            if (wanted > limit) {
                throw new ConnectorException("Transactions of this job may stay open for " + wanted
                        + " ms, but the broker ends them after " + limit + " ms: shorten '"
                        + JobOptions.CHECKPOINT_TIMEOUT.key()
                        + "', or raise the broker's transaction.max.timeout.ms");
            }
        }
        JobRecord.write(settings);
    }

    /** What the job reads gets its places before anything is read. */
    private static void register(JobSettings settings, List<String> topics) {
        List<String> registered = new TopicRegister(settings.kafka(), settings.topics()).add(topics);
        if (!registered.subList(0, Math.min(topics.size(), registered.size())).equals(topics)) {
            throw new ConnectorException("Another job under prefix '"
                    + settings.topics().prefix() + "' has found topics while this one was started: stop it, and start"
                    + " this one again");
        }
    }
}
