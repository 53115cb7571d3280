// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TestBroker;
import io.kronstream.connectors.servable.PublishedModelServable;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.ServedModel;
import io.kronstream.learner.StepReport;
import io.kronstream.learner.Task;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.OptimizerSettings;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.ml.servable.api.DataFrame;
import org.apache.flink.ml.servable.api.Row;
import org.apache.flink.ml.servable.types.DataTypes;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class LiveModelsITCase {
    @RegisterExtension
    static final TestBroker BROKER = new TestBroker();

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final LearnerSettings SETTINGS = new LearnerSettings(
            DataSchema.builder(List.of("a", "b", "y"), Task.REGRESSION, "y")
                    .numeric(List.of("a", "b"))
                    .build(),
            List.of(8),
            Activation.TANH,
            OptimizerSettings.defaults("adam"),
            4,
            0,
            0,
            1);
    private static final Map<String, Object> ROW = Map.of("a", 1.5, "b", -2);

    @Test
    void followsTheNewestVersionAndPredictsWithIt() throws Exception {
        String topic = topic(Map.of());
        List<PublishedModel> versions = learn(3);
        VersionCutter cutter = new VersionCutter(1 << 20, 100, SETTINGS);
        write(topic, cutter.cut(versions.get(0)));

        try (LiveModels live = ModelReader.follow(BROKER.settings(), topic, true);
                Stream<ModelManifest> stream = live.versions("m")) {
            List<Long> seen = new ArrayList<>();
            Thread watcher = new Thread(() -> stream.forEach(version -> seen.add(version.version())));
            watcher.start();
            for (PublishedModel version : versions) {
                if (version.version() > 1) {
                    write(topic, cutter.cut(version));
                    await(() -> live.manifest("m").orElseThrow().version() == version.version());
                }
                try (ServedModel served = new ServedModel(SETTINGS, version.payload())) {
                    assertThat(live.predict("m", ROW))
                            .isEqualTo(served.predict(
                                    new Example("m", 0, 0, 0, new double[] {1.5, -2}, new int[0], Double.NaN)));
                }
                assertThat(live.predict("m", List.of(ROW, ROW)).version().version())
                        .isEqualTo(version.version());
            }
            DataFrame frame = new DataFrame(
                    new ArrayList<>(List.of("a", "b")),
                    new ArrayList<>(List.of(DataTypes.DOUBLE, DataTypes.INT)),
                    List.of(new Row(new ArrayList<>(List.of(1.5, -2)))));
            PublishedModelServable servable = PublishedModelServable.newest(live, "m");
            assertThat(servable.transform(frame).collect().get(0).get(2)).isEqualTo(live.predict("m", ROW));
            assertThat(live.predict("m", Map.of("a", "1.5", "b", "-2"))).isEqualTo(live.predict("m", ROW));
            assertThatThrownBy(() -> live.predict("m", Map.of("z", 1)))
                    .hasMessage("There is no column 'z'; the columns are a, b, y");
            assertThatThrownBy(() -> live.predict("m", Map.of("a", "many")))
                    .hasMessage("Column 'a' is not a number: 'many'");
            assertThatThrownBy(() -> live.predict("n", ROW)).hasMessage("There is no model 'n'; there are [m]");

            write(topic, cutter.withdraw("m"));
            await(() -> live.models().isEmpty());
            live.close();
            watcher.join(PATIENCE.toMillis());
            assertThat(seen).isNotEmpty().isSorted();
            assertThat(live.failure()).isEmpty();
        }
    }

    /** Four threads predict while versions come as fast as they can be read: every answer is that of one version. */
    @Test
    void swapsUnderLoad() throws Exception {
        String topic = topic(Map.of());
        List<PublishedModel> versions = learn(60);
        Map<Long, Double> expected = new HashMap<>();
        for (PublishedModel version : versions) {
            try (ServedModel served = new ServedModel(SETTINGS, version.payload())) {
                expected.put(
                        version.version(),
                        served.predict(new Example("m", 0, 0, 0, new double[] {1.5, -2}, new int[0], Double.NaN)));
            }
        }
        VersionCutter cutter = new VersionCutter(1 << 20, 100, SETTINGS);
        write(topic, cutter.cut(versions.get(0)));
        AtomicBoolean ended = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Map<Long, AtomicLong> answers = new ConcurrentHashMap<>();
        try (LiveModels live = ModelReader.follow(BROKER.settings(), topic, true)) {
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Thread thread = new Thread(() -> {
                    try {
                        while (!ended.get()) {
                            LiveModels.Predictions answer = live.predict("m", List.of(ROW));
                            long version = answer.version().version();
                            assertThat(answer.values()[0]).isEqualTo(expected.get(version));
                            answers.computeIfAbsent(version, any -> new AtomicLong())
                                    .incrementAndGet();
                        }
                    } catch (Throwable e) {
                        failure.compareAndSet(null, e);
                    }
                });
                thread.start();
                threads.add(thread);
            }
            for (PublishedModel version : versions.subList(1, versions.size())) {
                write(topic, cutter.cut(version));
                await(() -> live.manifest("m").orElseThrow().version() == version.version());
            }
            await(() -> answers.containsKey(60L));
            ended.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertThat(failure.get()).isNull();
        assertThat(answers.size()).isGreaterThan(10);
    }

    /** A process with Kafka's client, the optimizer and the readers on its class path, but no Flink. */
    @Test
    void needsNoFlink() throws Exception {
        String topic = topic(Map.of());
        write(topic, new VersionCutter(1 << 20, 100, SETTINGS).cut(learn(1).get(0)));
        String path = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.contains("flink")
                        && !entry.contains(Path.of("state", "target").toString()))
                .collect(Collectors.joining(File.pathSeparator));
        ProcessBuilder child = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-cp",
                path,
                Serving.class.getName(),
                BROKER.settings().bootstrap(),
                topic);
        child.redirectErrorStream(true);
        Process process = child.start();
        try {
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(said).contains("no Flink here", "m version 1 says ");
            assertThat(process.exitValue()).as(said).isZero();
        } finally {
            process.destroyForcibly();
        }
    }

    /** What that process does. */
    static final class Serving {
        public static void main(String[] arguments) {
            try {
                Class.forName("org.apache.flink.api.common.functions.Function");
                System.exit(1);
            } catch (ClassNotFoundException e) {
                System.out.println("no Flink here");
            }
            try (LiveModels live = ModelReader.follow(KafkaSettings.of(arguments[0]), arguments[1], true)) {
                System.out.println(
                        "m version " + live.manifest("m").orElseThrow().version() + " says " + live.predict("m", ROW));
            }
        }
    }

    /**
     * Versions come every second, their writer is killed in the middle of every seventh and starts again from some versions
     * before; the topic is compacted all the while. One reader follows, and another comes anew every three seconds: whatever
     * they return is exactly a version that was published. As long as {@code kronstream.soak.seconds} says.
     */
    @Test
    void neverSeesAMixture() throws Exception {
        Duration duration = Duration.ofSeconds(Long.getLong("kronstream.soak.seconds", 20));
        String topic = topic(Map.of(
                "max.message.bytes", "40000",
                "segment.bytes", "1048576",
                "segment.ms", "2000",
                "min.cleanable.dirty.ratio", "0.01"));
        int bytes = 300_000;
        AtomicReference<String> mixture = new AtomicReference<>();
        AtomicBoolean ended = new AtomicBoolean();
        AtomicLong followed = new AtomicLong();
        AtomicLong looked = new AtomicLong();
        write(topic, new VersionCutter(40_000, 38_000, null).cut(Models.published("m", 1, bytes, 1)));
        long written = 1;
        long kills = 0;
        Thread follower = new Thread(() -> {
            try (LiveModels live = ModelReader.follow(BROKER.settings(), topic, true)) {
                long last = 0;
                while (!ended.get()) {
                    StoredModel newest = live.newest("m").orElse(null);
                    if (newest == null) {
                        mixture.compareAndSet(null, "no version, after " + last);
                    } else if (newest.manifest().version() != last) {
                        last = newest.manifest().version();
                        followed.incrementAndGet();
                        check(newest, bytes, mixture);
                    }
                    LockSupport.parkNanos(2_000_000);
                }
            } catch (RuntimeException e) {
                mixture.compareAndSet(null, e.toString());
            }
        });
        Thread visitor = new Thread(() -> {
            while (!ended.get()) {
                try (ModelReader reader = new ModelReader(BROKER.settings(), topic, true)) {
                    StoredModel newest = reader.newest("m").orElse(null);
                    looked.incrementAndGet();
                    if (newest == null) {
                        mixture.compareAndSet(null, "a visitor found no version");
                    } else {
                        check(newest, bytes, mixture);
                    }
                } catch (RuntimeException e) {
                    mixture.compareAndSet(null, e.toString());
                }
                LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(3));
            }
        });
        follower.start();
        visitor.start();
        long start = System.nanoTime();
        long version = 2;
        VersionCutter cutter = VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null);
        try (KafkaProducer<byte[], byte[]> producer = BROKER.producer()) {
            for (long second = 1; System.nanoTime() - start < duration.toNanos(); second++) {
                List<ModelRecord> records = cutter.cut(Models.published("m", version, bytes, 1));
                if (second % 7 == 0 && records.size() > 1) {
                    send(producer, topic, records.subList(0, (int) (second % (records.size() - 1)) + 1));
                    kills++;
                    version = Math.max(1, version - second % 4);
                    cutter = VersionCutter.of(BROKER.settings(), topic, Delivery.AT_LEAST_ONCE, null);
                } else {
                    send(producer, topic, records);
                    written++;
                    version++;
                }
                long next = start + TimeUnit.SECONDS.toNanos(second);
                while (System.nanoTime() < next) {
                    LockSupport.parkNanos(next - System.nanoTime());
                }
            }
        }
        ended.set(true);
        follower.join();
        visitor.join();
        System.out.printf(
                "%d s: %d versions written, %d kills, %d versions followed, %d visits, %d records left in the topic%n",
                duration.toSeconds(),
                written,
                kills,
                followed.get(),
                looked.get(),
                BROKER.records(topic).size());
        assertThat(mixture.get()).isNull();
        assertThat(followed.get()).isGreaterThan(duration.toSeconds() / 4);
        assertThat(looked.get()).isPositive();
    }

    private static void check(StoredModel newest, int bytes, AtomicReference<String> mixture) {
        long version = newest.manifest().version();
        if (!Arrays.equals(
                newest.payload(), Models.published("m", version, bytes, 1).payload())) {
            mixture.compareAndSet(null, "version " + version + " is not what was published");
        }
    }

    /** Versions of a learner, one after each mini-batch. */
    private static List<PublishedModel> learn(int count) {
        List<PublishedModel> versions = new ArrayList<>();
        try (LearnerFactory factory = new LearnerFactory(SETTINGS);
                Learner learner = factory.create("m")) {
            Learner.Listener silent = new Learner.Listener() {
                @Override
                public void stepped(StepReport report) {
                    versions.add(learner.publish().orElseThrow());
                }

                @Override
                public void requested(RefreshRequest request) {}

                @Override
                public void rejected(RejectedBatch batch) {}
            };
            for (long i = 0; versions.size() < count; i++) {
                double[] inputs = {StrictMath.sin(i), StrictMath.cos(3 * i)};
                learner.offer(new Example("m", 0, i, i, inputs, new int[0], inputs[0] - inputs[1]), silent);
            }
        }
        return versions;
    }

    private static String topic(Map<String, String> configs) throws Exception {
        String topic = BROKER.newTopics().models();
        Map<String, String> compacted = new HashMap<>(configs);
        compacted.put("cleanup.policy", "compact");
        try (Admin admin = Admin.create(BROKER.settings().client(Map.of(), Map.of()))) {
            admin.createTopics(List.of(new NewTopic(topic, Optional.of(1), Optional.empty()).configs(compacted)))
                    .all()
                    .get();
        }
        return topic;
    }

    private static void write(String topic, List<ModelRecord> records) {
        try (KafkaProducer<byte[], byte[]> producer = BROKER.producer()) {
            send(producer, topic, records);
        }
    }

    private static void send(KafkaProducer<byte[], byte[]> producer, String topic, List<ModelRecord> records) {
        records.forEach(record -> producer.send(
                new ProducerRecord<>(topic, 0, record.key().getBytes(StandardCharsets.UTF_8), record.value())));
        producer.flush();
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("still within the deadline").isLessThan(deadline);
            LockSupport.parkNanos(1_000_000);
        }
    }
}
