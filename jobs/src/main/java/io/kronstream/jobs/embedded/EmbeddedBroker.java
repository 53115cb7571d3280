// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Kafka broker and its KRaft controller in this JVM. It listens on loopback unless told otherwise, creates no topic by
 * itself, and keeps everything it is sent in one directory. A directory that a broker was closed on can be opened again,
 * on other ports too.
 *
 * <p>Only one broker may use a directory at a time. Do not delete the directory before {@link #close()}: a broker that
 * loses its disk halts the JVM.
 */
public final class EmbeddedBroker implements AutoCloseable {
    /** Largest record, in bytes, that the broker takes. */
    public static final int MESSAGE_MAX_BYTES = 20 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedBroker.class);
    private static final long SHUTDOWN_SECONDS = 30;
    private static final String NODE = "1";

    private final KafkaRaftServer server;
    private final String bootstrap;
    private boolean closed;

    private EmbeddedBroker(KafkaRaftServer server, String bootstrap) {
        this.server = server;
        this.bootstrap = bootstrap;
    }

    /**
     * Starts a broker on loopback and returns when it takes requests.
     *
     * @param dir directory of its data; created if it is missing
     * @param port port to listen on, or 0 for a free one
     * @throws IOException with one sentence if the port or the directory is in use, or the broker does not start
     */
    public static EmbeddedBroker start(Path dir, int port) throws IOException {
        return start(dir, Ports.LOOPBACK, port);
    }

    /** As {@link #start(Path, int)}, on an address of this machine that other machines may reach. */
    public static EmbeddedBroker start(Path dir, String host, int port) throws IOException {
        return start(dir, host, port, Map.of());
    }

    /**
     * As {@link #start(Path, String, int)}, with further properties of the broker, which count more than its own: those of
     * TLS and SASL, say. Its listener is called {@code PLAINTEXT}, whatever protocol it is given.
     */
    public static EmbeddedBroker start(Path dir, String host, int port, Map<String, String> properties)
            throws IOException {
        int brokerPort = Ports.choose("The Kafka broker", host, port);
        Path data = dir.toAbsolutePath();
        Files.createDirectories(data);
        requireUnused(data);
        format(data);
        String bootstrap = host + ":" + brokerPort;
        KafkaRaftServer server = null;
        try {
            Map<String, String> all = properties(data, host, brokerPort, Ports.free(Ports.LOOPBACK));
            all.putAll(properties);
            server = new KafkaRaftServer(new KafkaConfig(all, false), Time.SYSTEM);
            server.startup();
            return new EmbeddedBroker(server, bootstrap);
        } catch (RuntimeException e) {
            if (server != null) {
                shutDown(server);
            }
            throw new IOException(
                    "The Kafka broker at %s with its data in %s did not start: %s"
                            .formatted(bootstrap, data, rootMessage(e)),
                    e);
        }
    }

    /** {@code host:port} for clients. */
    public String bootstrap() {
        return bootstrap;
    }

    /** Shuts down in order, so that the directory can be opened again; waits half a minute at most. Idempotent. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            shutDown(server);
        }
    }

    private static void shutDown(KafkaRaftServer server) {
        Thread closer = new Thread(
                () -> {
                    server.shutdown();
                    server.awaitShutdown();
                },
                "embedded-broker-shutdown");
        closer.setDaemon(true);
        closer.start();
        try {
            closer.join(TimeUnit.SECONDS.toMillis(SHUTDOWN_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (closer.isAlive()) {
            LOG.warn("The Kafka broker did not shut down within {} s", SHUTDOWN_SECONDS);
        }
    }

    /** Looks at the lock that every Kafka broker holds on its directory. */
    private static void requireUnused(Path data) throws IOException {
        boolean unused;
        try (FileChannel channel =
                FileChannel.open(data.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            FileLock lock = channel.tryLock();
            unused = lock != null;
        } catch (OverlappingFileLockException e) {
            unused = false;
        }
        if (!unused) {
            throw new IOException("The directory %s is in use by another Kafka broker: end it, or choose another one."
                    .formatted(data));
        }
    }

    private static void format(Path data) throws IOException {
        if (Files.exists(data.resolve("meta.properties"))) {
            return;
        }
        try {
            new Formatter()
                    .setClusterId(Uuid.randomUuid().toString())
                    .setNodeId(Integer.parseInt(NODE))
                    .setControllerListenerName("CONTROLLER")
                    .addDirectory(data.toString())
                    .setMetadataLogDirectory(data.toString())
                    .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
                    .run();
        } catch (Exception e) {
            throw new IOException(
                    "The directory %s could not be prepared for the Kafka broker: %s".formatted(data, rootMessage(e)),
                    e);
        }
    }

    /** Small in threads, buffers and internal topics; unlimited in what it keeps. */
    private static Map<String, String> properties(Path data, String host, int port, int controllerPort) {
        Map<String, String> p = new HashMap<>();
        p.put("process.roles", "broker,controller");
        p.put("node.id", NODE);
        p.put("controller.quorum.voters", NODE + "@" + Ports.LOOPBACK + ":" + controllerPort);
        p.put(
                "listeners",
                "PLAINTEXT://%s:%d,CONTROLLER://%s:%d".formatted(host, port, Ports.LOOPBACK, controllerPort));
        p.put("advertised.listeners", "PLAINTEXT://%s:%d".formatted(host, port));
        p.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        p.put("controller.listener.names", "CONTROLLER");
        p.put("inter.broker.listener.name", "PLAINTEXT");
        p.put("log.dirs", data.toString());

        p.put("offsets.topic.replication.factor", "1");
        p.put("offsets.topic.num.partitions", "1");
        p.put("transaction.state.log.replication.factor", "1");
        p.put("transaction.state.log.min.isr", "1");
        p.put("transaction.state.log.num.partitions", "1");
        p.put("share.coordinator.state.topic.replication.factor", "1");
        p.put("share.coordinator.state.topic.min.isr", "1");
        p.put("share.coordinator.state.topic.num.partitions", "1");
        p.put("group.initial.rebalance.delay.ms", "0");
        p.put("auto.create.topics.enable", "false");
        p.put("num.partitions", "1");

        p.put("message.max.bytes", Integer.toString(MESSAGE_MAX_BYTES));
        p.put("replica.fetch.max.bytes", Integer.toString(MESSAGE_MAX_BYTES));
        p.put("transaction.max.timeout.ms", "3600000");

        // Records carry their own time, which may lie in any year: it must neither age them out, nor roll a segment
        // for every week of a slow series, nor have a generated stream refused for running ahead of the clock.
        p.put("log.retention.ms", "-1");
        p.put("log.retention.bytes", "-1");
        p.put("log.roll.ms", Long.toString(Long.MAX_VALUE));
        p.put("log.message.timestamp.after.max.ms", Long.toString(Long.MAX_VALUE));

        p.put("num.network.threads", "2");
        p.put("num.io.threads", "4");
        p.put("background.threads", "2");
        p.put("num.recovery.threads.per.data.dir", "1");
        p.put("log.index.size.max.bytes", Integer.toString(2 << 20));
        p.put("log.cleaner.dedupe.buffer.size", Integer.toString(8 << 20));
        p.put("log.cleaner.io.buffer.size", Integer.toString(1 << 20));
        return p;
    }

    private static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }
}
