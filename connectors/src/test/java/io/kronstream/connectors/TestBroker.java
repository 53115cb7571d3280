// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;

/** A real Kafka broker in this process, started once for all integration tests. Each test takes topics of its own. */
public final class TestBroker implements BeforeAllCallback {
    private static final String STARTED = "broker";
    private static final Set<Integer> PORTS = ConcurrentHashMap.newKeySet();
    private static final AtomicInteger PREFIXES = new AtomicInteger();

    private Running running;

    @Override
    public void beforeAll(ExtensionContext context) {
        running = context.getRoot()
                .getStore(ExtensionContext.Namespace.create(TestBroker.class))
                .getOrComputeIfAbsent(STARTED, key -> new Running(), Running.class);
    }

    public KafkaSettings settings() {
        return KafkaSettings.of(running.bootstrap);
    }

    /** Topics that no other test uses; not created yet. */
    public Topics newTopics() {
        return new Topics("test" + PREFIXES.incrementAndGet());
    }

    /** Topics that no other test uses, created. */
    public Topics createTopics(int examplePartitions, int trainParallelism) {
        Topics topics = newTopics();
        try (TopicAdmin admin = TopicAdmin.connect(settings())) {
            admin.ensure(topics, TopicSettings.of(examplePartitions, trainParallelism));
        }
        return topics;
    }

    /** How many segments a partition has on disk. */
    public long segments(String topic, int partition) throws IOException {
        try (Stream<Path> files = Files.list(running.directory.resolve(topic + "-" + partition))) {
            return files.filter(file -> file.toString().endsWith(".log")).count();
        }
    }

    public KafkaProducer<byte[], byte[]> producer() {
        return new KafkaProducer<>(
                settings().client(Map.of(), Map.of()), new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** All committed records of a topic up to its present end, partition by partition. */
    public List<ConsumerRecord<byte[], byte[]>> records(String topic) {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                settings().client(Map.of(), Map.of("isolation.level", "read_committed")),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(info -> new TopicPartition(topic, info.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
            Predicate<Map.Entry<TopicPartition, Long>> unread = end -> consumer.position(end.getKey()) < end.getValue();
            while (ends.entrySet().stream().anyMatch(unread)) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
            records.sort(Comparator.<ConsumerRecord<byte[], byte[]>>comparingInt(ConsumerRecord::partition)
                    .thenComparingLong(ConsumerRecord::offset));
            return records;
        }
    }

    /** A port of the loopback address on which nothing listens, another one each time. */
    public static int freePort() {
        while (true) {
            try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                if (PORTS.add(socket.getLocalPort())) {
                    return socket.getLocalPort();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static final class Running implements CloseableResource {
        private final Path directory;
        private final String bootstrap;
        private final KafkaRaftServer server;

        Running() {
            int port = freePort();
            int controllerPort = freePort();
            bootstrap = "localhost:" + port;
            try {
                directory = Files.createTempDirectory("kronstream-broker");
                new Formatter()
                        .setClusterId(Uuid.randomUuid().toString())
                        .setNodeId(1)
                        .setControllerListenerName("CONTROLLER")
                        .addDirectory(directory.toString())
                        .setMetadataLogDirectory(directory.toString())
                        .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
                        .run();
            } catch (Exception e) {
                throw new IllegalStateException("The broker's directory cannot be formatted", e);
            }
            server = new KafkaRaftServer(new KafkaConfig(properties(port, controllerPort)), Time.SYSTEM);
            server.startup();
        }

        private Properties properties(int port, int controllerPort) {
            Properties properties = new Properties();
            properties.putAll(Map.of(
                    "process.roles", "broker,controller",
                    "node.id", "1",
                    "controller.quorum.voters", "1@localhost:" + controllerPort,
                    "listeners", "PLAINTEXT://localhost:" + port + ",CONTROLLER://localhost:" + controllerPort,
                    "advertised.listeners", "PLAINTEXT://localhost:" + port,
                    "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                    "controller.listener.names", "CONTROLLER",
                    "inter.broker.listener.name", "PLAINTEXT",
                    "log.dirs", directory.toString(),
                    "auto.create.topics.enable", "false"));
            properties.putAll(Map.of(
                    "offsets.topic.replication.factor", "1",
                    "offsets.topic.num.partitions", "1",
                    "transaction.state.log.replication.factor", "1",
                    "transaction.state.log.min.isr", "1",
                    "transaction.state.log.num.partitions", "1",
                    "group.initial.rebalance.delay.ms", "0",
                    "log.cleaner.backoff.ms", "100",
                    "log.initial.task.delay.ms", "100"));
            return properties;
        }

        @Override
        public void close() throws IOException {
            server.shutdown();
            server.awaitShutdown();
            try (Stream<Path> files = Files.walk(directory)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }
}
