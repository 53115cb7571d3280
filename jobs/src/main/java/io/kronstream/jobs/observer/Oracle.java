// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.example.UndecodableException;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.jobs.JobSettings;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.StepReport;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Learns again, without Flink, what a published version says it has learned: reads the examples topic from its start to
 * the offsets in the version's manifest and gives each record to a bare {@link Learner}. It shares nothing with the job
 * but the decoder and the learner, so equal digests mean that the job lost, repeated and reordered nothing.
 */
public final class Oracle {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final JobSettings settings;

    public Oracle(JobSettings settings) {
        this.settings = settings;
    }

    /**
     * The digests that these versions, one per model, must have.
     *
     * @return by model; a model whose step was never reached is missing
     * @throws ConnectorException if the topic does not hold the records any more, or the broker does not answer
     */
    public Map<String, String> digests(Collection<ModelManifest> versions) {
        Map<String, Pupil> pupils = new TreeMap<>();
        Map<TopicPartition, Long> through = new TreeMap<>(Comparator.comparingInt(TopicPartition::partition));
        try (LearnerFactory factory = new LearnerFactory(settings.learner());
                RefreshWorker worker = new RefreshWorker()) {
            for (ModelManifest version : versions) {
                pupils.put(version.model(), new Pupil(version, factory.create(version.model()), worker));
                version.trainedThrough()
                        .forEach((partition, offset) -> through.merge(
                                new TopicPartition(settings.topics().examples(), partition), offset, Math::max));
            }
            try {
                read(through, pupils);
                Map<String, String> digests = new TreeMap<>();
                pupils.forEach((model, pupil) -> {
                    pupil.end();
                    if (pupil.digest != null) {
                        digests.put(model, pupil.digest);
                    }
                });
                return digests;
            } finally {
                pupils.values().forEach(pupil -> pupil.learner.close());
            }
        }
    }

    private void read(Map<TopicPartition, Long> through, Map<String, Pupil> pupils) {
        ExampleDecoder decoder = new ExampleDecoder(settings.learner().schema(), settings.model());
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                settings.kafka()
                        .client(
                                Map.of(),
                                Map.of(
                                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false",
                                        ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
                                        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none")),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            consumer.assign(through.keySet());
            consumer.seekToBeginning(through.keySet());
            through.keySet().forEach(partition -> requireWhole(consumer, partition));
            long lastRecord = System.nanoTime();
            while (through.entrySet().stream()
                    .anyMatch(entry -> consumer.position(entry.getKey()) <= entry.getValue())) {
                int count = 0;
                for (ConsumerRecord<byte[], byte[]> consumed : consumer.poll(POLL)) {
                    count++;
                    learn(decoder, consumed, pupils);
                }
                if (count > 0) {
                    lastRecord = System.nanoTime();
                } else if (System.nanoTime() - lastRecord > PATIENCE.toNanos()) {
                    throw new ConnectorException("Topic " + settings.topics().examples() + " at "
                            + settings.kafka().bootstrap() + " gave no record for " + PATIENCE.toSeconds()
                            + " s, but the version was trained through " + through.values());
                }
            }
        }
    }

    private static void requireWhole(Consumer<?, ?> consumer, TopicPartition partition) {
        long first = consumer.position(partition);
        if (first > 0) {
            throw new ConnectorException("Topic " + partition.topic() + " partition " + partition.partition()
                    + " starts at offset " + first + ": what the model first learned is no longer there, so its"
                    + " version cannot be verified");
        }
    }

    private static void learn(
            ExampleDecoder decoder, ConsumerRecord<byte[], byte[]> consumed, Map<String, Pupil> pupils) {
        Example example;
        try {
            example = decoder.decode(new RawRecord(
                    consumed.topic(),
                    consumed.partition(),
                    consumed.offset(),
                    consumed.timestamp(),
                    consumed.key(),
                    consumed.value()));
        } catch (UndecodableException e) {
            return;
        }
        Pupil pupil = pupils.get(example.model());
        if (pupil != null) {
            pupil.take(example);
        }
    }

    /** One model on its way to the step of its version. */
    private static final class Pupil implements Learner.Listener {
        private final ModelManifest version;
        private final Learner learner;
        private final RefreshWorker worker;
        private final ArrayDeque<RefreshRequest> asked = new ArrayDeque<>();
        private String digest;

        Pupil(ModelManifest version, Learner learner, RefreshWorker worker) {
            this.version = version;
            this.learner = learner;
            this.worker = worker;
        }

        void take(Example example) {
            Long last = version.trainedThrough().get(example.partition());
            if (digest != null || last == null || example.offset() > last) {
                return;
            }
            while (!learner.offer(example, this)) {
                answer();
                learner.advance(this);
            }
            answer();
        }

        void end() {
            if (digest == null && version.finished()) {
                while (!learner.finish(this)) {
                    answer();
                }
            }
        }

        private void answer() {
            while (!asked.isEmpty()) {
                learner.answer(worker.compute(asked.poll()));
            }
        }

        @Override
        public void stepped(StepReport report) {
            if (report.step() == version.step()) {
                digest = learner.digest();
            }
        }

        @Override
        public void requested(RefreshRequest request) {
            asked.add(request);
        }

        @Override
        public void rejected(RejectedBatch batch) {}
    }
}
