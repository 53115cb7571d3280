// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.TopicSettings;

/** Makes a broker ready for a job. */
public final class JobTopics {
    private static final int MIN_PARTITIONS = 4;

    private JobTopics() {}

    /** Partitions of the examples topic, where it does not exist yet. */
    public static int partitions(JobSettings settings) {
        return Math.max(MIN_PARTITIONS, settings.parallelism());
    }

    /**
     * Creates the topics that are missing and checks what the job needs of the broker.
     *
     * @throws ConnectorException with one sentence
     */
    public static void prepare(TopicAdmin admin, JobSettings settings) {
        admin.ensure(
                settings.topics(),
                TopicSettings.of(partitions(settings), settings.parallelism()),
                settings.input().source().isOwnTopic());
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
}
