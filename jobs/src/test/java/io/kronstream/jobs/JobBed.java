// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import io.kronstream.learner.DataSchema;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A broker and a cluster that several jobs of a test run on, each with topics of its own. */
final class JobBed implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path dir;
    private final EmbeddedBroker broker;
    private final MiniFlinkCluster cluster;
    private int jobs;

    JobBed(Path dir, int slots) throws IOException {
        this(dir, slots, 0);
    }

    /** @param metricsPort where Prometheus can ask for metrics; 0 for nowhere */
    JobBed(Path dir, int slots, int metricsPort) throws IOException {
        this(dir, EmbeddedBroker.start(dir.resolve("kafka"), 0), MiniFlinkCluster.start(slots, 0, metricsPort));
    }

    /** On a broker of the caller's, which closes with this. */
    JobBed(Path dir, EmbeddedBroker broker, MiniFlinkCluster cluster) {
        this.dir = dir;
        this.broker = broker;
        this.cluster = cluster;
    }

    /** Settings with topics of their own; options as in a job file. */
    JobSettings settings(DataSchema schema, Map<String, String> options) {
        jobs++;
        Map<String, String> values = new HashMap<>();
        values.put("job.name", "job " + jobs);
        values.put("kafka.bootstrap", broker.bootstrap());
        values.put("kafka.prefix", "job" + jobs);
        values.put("model.hidden", "[16, 8]");
        values.put("model.publish-every", "10");
        values.put("refresh.mode", "remote");
        values.put("checkpoint.interval", "200 ms");
        values.put(
                "checkpoint.directory",
                dir.resolve("checkpoints" + jobs).toUri().toString());
        values.putAll(options);
        return JobSettings.of("test", values, schema);
    }

    /**
     * Creates the topics, sends the first rows and submits the job, which ends with all of them.
     *
     * @param first how many rows to send now; {@link Run#sendRest()} sends the others
     */
    Run start(JobSettings settings, List<String> rows, int first) throws Exception {
        return start(settings, StartFrom.NOTHING, rows, first);
    }

    /** As {@link #start(JobSettings, List, int)}, from a savepoint of a job that was to end with the same rows. */
    Run start(JobSettings settings, StartFrom from, List<String> rows, int first) throws Exception {
        SortedMap<Integer, Long> plan = FileReplay.plan(
                FileReplay.bytes(rows.iterator()),
                settings.learner().schema(),
                settings.model(),
                JobTopics.partitions(settings),
                settings.learner().mode());
        Map<Integer, Long> stopAt;
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            JobTopics.prepare(admin, settings);
            stopAt = FileReplay.stopOffsets(admin.endOffsets(settings.topics().examples()), plan);
        }
        send(settings, rows.subList(0, first));
        return new Run(
                settings,
                rows.subList(first, rows.size()),
                RunningJob.submit(cluster.restAddress(), settings, from, stopAt, List.of()));
    }

    static void send(JobSettings settings, List<String> rows) {
        try (FileReplay replay = new FileReplay(
                settings.kafka(),
                settings.topics().examples(),
                settings.learner().schema(),
                settings.model(),
                settings.learner().mode())) {
            replay.replay(FileReplay.bytes(rows.iterator()));
        }
    }

    /** Submits the job to go on until it is stopped; its topics are there, and nothing is sent. */
    Run startEndless(JobSettings settings, StartFrom from) throws Exception {
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            JobTopics.prepare(admin, settings);
        }
        return new Run(settings, List.of(), RunningJob.submit(cluster.restAddress(), settings, from, null, List.of()));
    }

    /** Sends these values, some of which may be null, to the first partition, and runs them to their end. */
    Run runValues(JobSettings settings, List<byte[]> values, long timestamp) throws Exception {
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            JobTopics.prepare(admin, settings);
        }
        String topic = settings.topics().examples();
        int largest = values.stream()
                .mapToInt(value -> value == null ? 0 : value.length)
                .max()
                .orElse(0);
        if (largest > 1 << 20) {
            allow(topic, largest + 1024);
        }
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                settings.kafka().client(Map.of("max.request.size", 64 << 20, "buffer.memory", 128 << 20), Map.of()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (byte[] value : values) {
                sent.add(producer.send(new ProducerRecord<>(topic, 0, timestamp, null, value)));
            }
            for (Future<RecordMetadata> one : sent) {
                one.get();
            }
        }
        Map<Integer, Long> stopAt = Map.of(0, (long) values.size());
        Run run = new Run(settings, List.of(), RunningJob.submit(cluster.restAddress(), settings, stopAt, List.of()));
        run.awaitEnd();
        return run;
    }

    private void allow(String topic, int recordBytes) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        ConfigEntry limit = new ConfigEntry("max.message.bytes", Integer.toString(recordBytes));
        try (Admin admin = Admin.create(kafka().client(Map.of(), Map.of()))) {
            admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(limit, AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
        }
    }

    /** Submits a job whose source is there already and has an end. */
    Run start(JobSettings unresolved, StartFrom from) throws Exception {
        JobSettings settings;
        try (TopicAdmin admin = TopicAdmin.connect(unresolved.kafka())) {
            settings = JobSources.resolve(admin, unresolved);
            JobTopics.prepare(admin, settings);
        }
        return new Run(settings, List.of(), RunningJob.submit(cluster.restAddress(), settings, from, null, List.of()));
    }

    /** Runs a job whose source is there already to its end. */
    Run run(JobSettings unresolved) throws Exception {
        Run run = start(unresolved, StartFrom.NOTHING);
        run.awaitEnd();
        return run;
    }

    /** Runs the rows to their end. */
    Run run(JobSettings settings, List<String> rows) throws Exception {
        Run run = start(settings, rows, rows.size());
        run.awaitEnd();
        return run;
    }

    KafkaSettings kafka() {
        return KafkaSettings.of(broker.bootstrap());
    }

    @Override
    public void close() {
        cluster.close();
        broker.close();
    }

    /** One job. */
    final class Run {
        private final JobSettings settings;
        private final List<String> rest;
        private final RunningJob job;

        private Run(JobSettings settings, List<String> rest, RunningJob job) {
            this.settings = settings;
            this.rest = rest;
            this.job = job;
        }

        JobSettings settings() {
            return settings;
        }

        void sendRest() {
            send(settings, rest);
        }

        /** Interrupts the job and returns the path of its savepoint. */
        String stop(Path directory) throws Exception {
            return job.stop(directory.toUri().toString(), false);
        }

        /** Ends the stream here: what is open is learned and published. */
        void finish(Path directory) throws Exception {
            job.stop(directory.toUri().toString(), true);
        }

        /** Value of a counter of the running job; 0 if it is not known yet. */
        long counterNow(String name) throws IOException {
            return Long.parseLong(
                    new FlinkRest(cluster.restAddress()).accumulators(job.id()).getOrDefault(name, "0"));
        }

        void awaitEnd() throws Exception {
            assertThat(job.awaitEnd(PATIENCE)).as("%s ended", settings.name()).isTrue();
        }

        long counter(String name) {
            return job.counter(name);
        }

        /** What the job last failed of; empty if it never did. */
        Optional<String> lastFailure() throws IOException {
            return new FlinkRest(cluster.restAddress()).lastFailure(job.id());
        }

        FlinkRest.Checkpoints checkpoints() throws IOException {
            return new FlinkRest(cluster.restAddress()).checkpoints(job.id());
        }

        /** How many examples the job's checkpoints have come through. */
        long trained() {
            try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
                return admin.trainedOffsets(settings.topics()).values().stream()
                        .mapToLong(Long::longValue)
                        .sum();
            }
        }

        /** The newest version of each model. */
        SortedMap<String, ModelManifest> versions() {
            try (ModelReader reader =
                    new ModelReader(settings.kafka(), settings.topics().models(), settings.committedOnly())) {
                return reader.newest();
            }
        }

        /** The digest of each model's newest version. */
        SortedMap<String, String> digests() {
            SortedMap<String, String> digests = new TreeMap<>();
            versions().forEach((model, version) -> digests.put(model, version.modelDigest()));
            return digests;
        }
    }
}
