// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.TrainingJob;
import io.kronstream.learner.Example;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the examples of some partitions up to stated offsets, from where the job's source is. Those of one partition come in
 * their order; records that cannot be decoded are passed over.
 */
final class ExampleCursor implements AutoCloseable {
    private final ExampleDecoder decoder;
    private final RecordFeed records;
    private final Deque<Example> decoded = new ArrayDeque<>();

    /**
     * @param from for each partition the first offset that was learned from, where that is known
     * @param through for each partition the last offset to read
     * @throws ConnectorException if it cannot be read any more from where the job began
     */
    ExampleCursor(JobSettings settings, Map<Integer, Long> from, Map<Integer, Long> through) {
        JobSettings.Source source = settings.input().source();
        if (source.sql() != null) {
            throw new ConnectorException("A job that learns from a table cannot be verified: a table does not say where"
                    + " its rows came from, so they cannot be read again in the same order");
        }
        this.decoder = TrainingJob.decoder(settings);
        this.records = source.isKafka() ? new TopicFeed(settings, from, through) : new FileFeed(settings, through);
    }

    /**
     * The next example of any of these models; empty at the end.
     *
     * @throws ConnectorException if the source gives nothing for long, or interrupted
     */
    Optional<Example> next(Collection<String> models) {
        while (true) {
            while (!decoded.isEmpty()) {
                Example example = decoded.remove();
                if (models.contains(example.model())) {
                    return Optional.of(example);
                }
            }
            RawRecord record = records.next();
            if (record == null) {
                return Optional.empty();
            }
            try {
                decoded.addAll(decoder.decode(record));
            } catch (UndecodableException e) {
                // the job has set it aside, too
            }
        }
    }

    @Override
    public void close() {
        records.close();
    }
}
