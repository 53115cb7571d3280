// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.jobs.JobSettings;
import io.kronstream.learner.Example;
import io.kronstream.learner.Journal;
import io.kronstream.learner.JournalSegment;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Gives a pupil the examples in the order that the journals of its version tell, and checks on the way that they tell of
 * each record of the model exactly once.
 */
final class ArrivalReplay implements Journal.Visitor, AutoCloseable {
    private final JobSettings settings;
    private final Pupil pupil;
    private final String model;
    private final SortedMap<Integer, Long> through;
    private final Map<Integer, PartitionCursor> partitions = new TreeMap<>();

    /** Reads one partition; {@code next} is null at its end. */
    private static final class PartitionCursor {
        private final ExampleCursor examples;
        private final Set<String> model;
        private Example next;
        private long end = -1;

        PartitionCursor(ExampleCursor examples, Set<String> model) {
            this.examples = examples;
            this.model = model;
            advance();
        }

        void advance() {
            next = examples.next(model).orElse(null);
        }
    }

    ArrivalReplay(JobSettings settings, Pupil pupil) {
        this.settings = settings;
        this.pupil = pupil;
        this.model = pupil.version().model();
        this.through = pupil.version().trainedThrough();
    }

    /** @throws ConnectorException if the journals leave a record out, or name one twice or one that is not there */
    void replay(List<JournalSegment> segments) {
        segments.forEach(segment -> Journal.replay(segment, this));
        through.forEach((partition, last) -> {
            PartitionCursor cursor = partitions.get(partition);
            if (cursor == null || cursor.end != last) {
                throw broken(partition, "end before offset " + last + ", through which the version was trained");
            }
        });
    }

    @Override
    public void run(int partition, long from, long to, long examples) {
        PartitionCursor cursor = partitions.computeIfAbsent(partition, this::open);
        while (cursor.end < 0 && cursor.next != null && cursor.next.command() != null && cursor.next.offset() < from) {
            cursor.advance(); // it came before the model's first example, and was refused
        }
        if (from < cursor.end) {
            throw broken(partition, "name offset " + from + " twice");
        }
        if (cursor.next == null || cursor.next.offset() != from) {
            throw broken(
                    partition,
                    cursor.next == null || cursor.next.offset() > from
                            ? "name offset " + from + ", where there is no example of the model"
                            : "leave out offset " + cursor.next.offset());
        }
        for (long example = 0; example < examples && cursor.next != null; example++) {
            cursor.end = cursor.next.offset();
            pupil.take(cursor.next);
            cursor.advance();
        }
        if (cursor.end != to) {
            throw broken(
                    partition,
                    "name " + examples + " examples through offset " + to + ", but those end at offset " + cursor.end);
        }
    }

    private PartitionCursor open(int partition) {
        Long last = through.get(partition);
        if (last == null) {
            throw broken(partition, "name it, but the version was not trained from it");
        }
        return new PartitionCursor(
                new ExampleCursor(settings, pupil.version().trainedFrom(), Map.of(partition, last)), Set.of(model));
    }

    @Override
    public void closed() {
        pupil.close(false);
    }

    @Override
    public void finished() {
        pupil.close(true);
    }

    private ConnectorException broken(int partition, String what) {
        return new ConnectorException("The journals of version "
                + pupil.version().version() + " of model '" + model + "', partition " + partition + ", " + what);
    }

    @Override
    public void close() {
        partitions.values().forEach(cursor -> cursor.examples.close());
    }
}
