// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.model.JournalReader;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.jobs.JobSettings;
import io.kronstream.learner.Example;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.Mode;
import io.kronstream.learner.RefreshWorker;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Learns again, without Flink, what a published version says it has learned: reads the job's topics or files from where it
 * began to the offsets in the version's manifest and gives each record to a bare {@link io.kronstream.learner.Learner}; in arrival
 * mode in the order that the journals tell. It shares nothing with the job but the decoder and the learner, so equal
 * digests mean that the job lost, repeated and reordered nothing.
 */
public final class Oracle {
    private final JobSettings settings;

    public Oracle(JobSettings settings) {
        this.settings = settings;
    }

    /**
     * The digests that these versions, one per model, must have.
     *
     * @return by model; a model whose step was never reached is missing
     * @throws ConnectorException if the topics do not hold the records any more, the broker does not answer, or the
     *     journals do not tell of each record exactly once
     */
    public Map<String, String> digests(Collection<ModelManifest> versions) {
        Map<String, Pupil> pupils = new TreeMap<>();
        try (LearnerFactory factory = new LearnerFactory(settings.learner());
                RefreshWorker worker = new RefreshWorker()) {
            for (ModelManifest version : versions) {
                pupils.put(version.model(), new Pupil(version, factory, worker));
            }
            try {
                if (settings.learner().mode() == Mode.ARRIVAL) {
                    learnByJournal(pupils);
                } else {
                    learnInOrder(pupils);
                }
                Map<String, String> digests = new TreeMap<>();
                pupils.forEach((model, pupil) -> pupil.digest().ifPresent(digest -> digests.put(model, digest)));
                return digests;
            } finally {
                pupils.values().forEach(Pupil::close);
            }
        }
    }

    private void learnInOrder(Map<String, Pupil> pupils) {
        Map<Integer, Long> from = new TreeMap<>();
        Map<Integer, Long> through = new TreeMap<>();
        for (Pupil pupil : pupils.values()) {
            pupil.version().trainedFrom().forEach((partition, offset) -> from.merge(partition, offset, Math::min));
            pupil.version()
                    .trainedThrough()
                    .forEach((partition, offset) -> through.merge(partition, offset, Math::max));
        }
        try (ExampleCursor examples = new ExampleCursor(settings, from, through)) {
            Optional<Example> next;
            while ((next = examples.next(pupils.keySet())).isPresent()) {
                Example example = next.get();
                Pupil pupil = pupils.get(example.model());
                Long last = pupil.version().trainedThrough().get(example.partition());
                if (!pupil.arrived() && last != null && example.offset() <= last) {
                    pupil.take(example);
                }
            }
        }
        // The last mini-batch may have been closed by the end of the stream, or by the time of a record after it.
        pupils.values().stream()
                .filter(pupil -> !pupil.arrived())
                .forEach(pupil -> pupil.close(pupil.version().finished()));
    }

    private void learnByJournal(Map<String, Pupil> pupils) {
        JournalReader journals = new JournalReader(
                settings.kafka(), settings.topics().journal(), settings.committedOnly(), pupils.keySet());
        for (Pupil pupil : pupils.values()) {
            try (ArrivalReplay replay = new ArrivalReplay(settings, pupil)) {
                replay.replay(journals.upTo(pupil.version()));
            }
        }
    }
}
