// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * An {@link EmbeddedBroker} in a process of its own, which can be killed and started again on the same data and port. It
 * ends with {@link #close()}, and with this JVM whatever ends it. Not thread-safe.
 */
public final class BrokerProcess implements AutoCloseable {
    private static final int HEAP_MEBIBYTES = 320;

    private final Path dir;
    private final Path data;
    private final int port;
    private int started;
    private ChildJvm process;

    private BrokerProcess(Path dir, Path data, int port) {
        this.dir = dir;
        this.data = data;
        this.port = port;
    }

    /**
     * Starts a broker and returns when it takes requests.
     *
     * @param dir directory for its logs; created if it is missing
     * @param data directory of its data; created if it is missing
     * @throws IOException with one sentence if it does not start
     */
    public static BrokerProcess start(Path dir, Path data) throws IOException {
        BrokerProcess broker =
                new BrokerProcess(dir.toAbsolutePath(), data.toAbsolutePath(), Ports.lasting(Ports.LOOPBACK));
        try {
            broker.launch();
            Await.until("the Kafka broker answers", broker::answers, broker::requireAlive);
            return broker;
        } catch (IOException | RuntimeException e) {
            broker.close();
            throw e;
        }
    }

    /** {@code host:port} for clients; stays the same. */
    public String bootstrap() {
        return Ports.LOOPBACK + ":" + port;
    }

    public long pid() {
        return process.pid();
    }

    /** Kills it as {@code kill -9} does, and waits until its process is gone. */
    public void kill() throws IOException {
        process.kill();
    }

    /** Starts it again after {@link #kill()}; does not wait until it takes requests. */
    public void launch() throws IOException {
        String name = "broker-" + started++;
        process = ChildJvm.start(
                dir,
                name,
                List.of("-Xmx" + HEAP_MEBIBYTES + "m"),
                ClusterProcess.class,
                List.of(ClusterProcess.BROKER, data.toString(), Integer.toString(port)),
                Map.of());
    }

    /** Throws, with the last lines that it wrote, if the process has ended. */
    public void requireAlive() throws IOException {
        process.requireAlive();
    }

    @Override
    public void close() {
        if (process != null) {
            process.close();
        }
    }

    private boolean answers() {
        try (TopicAdmin admin = TopicAdmin.connect(KafkaSettings.of(bootstrap()))) {
            return admin.maxTransactionTimeout() > 0;
        } catch (ConnectorException e) {
            return false;
        }
    }
}
