// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job on a broker that speaks TLS alone and wants a password. */
class SecureKafkaITCase {
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final String PASSWORD = "open-sesame-7531";
    private static final String LOGIN =
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"%s\" password=\"%s\"";

    @TempDir
    private Path dir;

    @Test
    void aJobRunsOverTlsWithAPasswordThatNobodySees() throws Exception {
        Collected logs = new Collected();
        logs.begin();
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir.resolve("kafka"), "127.0.0.1", 0, brokerProperties());
                MiniFlinkCluster cluster = MiniFlinkCluster.start(1, 0)) {
            JobSettings settings = settings(broker.bootstrap(), PASSWORD);
            Map<Integer, Long> stopAt;
            try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
                JobTopics.prepare(admin, settings);
                stopAt = send(settings);
            }
            RunningJob job = RunningJob.submit(cluster.restAddress(), settings, stopAt, List.of());
            assertThat(job.awaitEnd(PATIENCE)).isTrue();

            SortedMap<String, ModelManifest> newest;
            try (ModelReader reader =
                    new ModelReader(settings.kafka(), settings.topics().models(), settings.committedOnly())) {
                newest = reader.newest();
            }
            JobSettings recorded =
                    JobRecord.read(settings.kafka(), settings.topics()).orElseThrow();
            assertThat(new Oracle(recorded).digests(newest.values()))
                    .containsEntry("main", newest.get("main").modelDigest());
            assertThat(JobFile.write(settings.withKafka(KafkaSettings.of(broker.bootstrap()))))
                    .doesNotContain(PASSWORD);
            assertThat(settings.toString()).doesNotContain(PASSWORD);
            assertThat(newest.get("main").json()).doesNotContain(PASSWORD);

            assertThatThrownBy(() -> TopicAdmin.connect(
                            settings(broker.bootstrap(), "wrong-" + PASSWORD).kafka()))
                    .isInstanceOf(ConnectorException.class)
                    .hasMessageContaining("Authentication failed")
                    .hasMessageNotContaining(PASSWORD);
        } finally {
            logs.end();
        }
        assertThat(logs.lines).as("logs, at INFO").isNotEmpty().noneMatch(line -> line.contains(PASSWORD));
        assertThat(bytesOnDisk(PASSWORD)).as("of the topics").isFalse();
    }

    private static Map<Integer, Long> send(JobSettings settings) {
        Iterator<String> rows = BuiltInStreams.byName("sea").orElseThrow().rows(1);
        try (FileReplay replay = new FileReplay(
                settings.kafka(),
                settings.topics().examples(),
                settings.learner().schema(),
                settings.model())) {
            return replay.replay(
                    FileReplay.bytes(Stream.generate(rows::next).limit(1000).iterator()));
        }
    }

    private JobSettings settings(String bootstrap, String password) {
        Map<String, String> values = new HashMap<>();
        values.put("kafka.bootstrap", bootstrap);
        values.put("kafka.delivery", "exactly_once");
        values.put("kafka.properties.security.protocol", "SASL_SSL");
        values.put("kafka.properties.sasl.mechanism", "PLAIN");
        values.put("kafka.properties.sasl.jaas.config", LOGIN.formatted("job", password) + ";");
        values.put("kafka.properties.ssl.truststore.type", "PEM");
        values.put(
                "kafka.properties.ssl.truststore.location",
                dir.resolve("broker.pem").toString());
        values.put("kafka.properties.group.id", "learning");
        values.put("refresh.interval", "5");
        values.put("model.hidden", "[8]");
        values.put("checkpoint.interval", "300 ms");
        values.put("checkpoint.timeout", "1 min");
        values.put("checkpoint.directory", dir.resolve("checkpoints").toUri().toString());
        return JobSettings.of(
                "test", values, BuiltInStreams.byName("sea").orElseThrow().schema());
    }

    private Map<String, String> brokerProperties() throws Exception {
        Path store = dir.resolve("broker.p12");
        keytool(
                "-genkeypair",
                "-alias",
                "broker",
                "-keyalg",
                "RSA",
                "-keysize",
                "2048",
                "-validity",
                "2",
                "-dname",
                "CN=broker",
                "-ext",
                "SAN=ip:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD);
        keytool(
                "-exportcert",
                "-rfc",
                "-alias",
                "broker",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD,
                "-file",
                dir.resolve("broker.pem").toString());
        Map<String, String> properties = new HashMap<>();
        properties.put("listener.security.protocol.map", "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT");
        properties.put("sasl.enabled.mechanisms", "PLAIN");
        properties.put("sasl.mechanism.inter.broker.protocol", "PLAIN");
        properties.put(
                "listener.name.plaintext.plain.sasl.jaas.config",
                LOGIN.formatted("broker", PASSWORD) + " user_broker=\"" + PASSWORD + "\" user_job=\"" + PASSWORD
                        + "\";");
        properties.put("ssl.keystore.type", "PKCS12");
        properties.put("ssl.keystore.location", store.toString());
        properties.put("ssl.keystore.password", PASSWORD);
        properties.put("ssl.key.password", PASSWORD);
        properties.put("ssl.truststore.type", "PEM");
        properties.put("ssl.truststore.location", dir.resolve("broker.pem").toString());
        return properties;
    }

    private static void keytool(String... arguments) throws IOException, InterruptedException {
        String[] command = new String[arguments.length + 1];
        command[0] = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(said).isZero();
    }

    /** Whether a text stands in what the broker keeps, or in a checkpoint. */
    private boolean bytesOnDisk(String text) throws IOException {
        try (Stream<Path> files = Files.walk(dir.resolve("kafka"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Every line that is logged meanwhile, at INFO. */
    private static final class Collected extends AbstractAppender {
        private final Queue<String> lines = new ConcurrentLinkedQueue<>();
        private final Level before = LogManager.getRootLogger().getLevel();

        Collected() {
            super("collected", null, null, true, Property.EMPTY_ARRAY);
        }

        void begin() {
            start();
            Configurator.setRootLevel(Level.INFO);
            root().addAppender(this);
        }

        void end() {
            root().removeAppender(this);
            Configurator.setRootLevel(before);
            stop();
        }

        private static org.apache.logging.log4j.core.Logger root() {
            return LoggerContext.getContext(false).getRootLogger();
        }

        @Override
        public void append(LogEvent event) {
            lines.add(event.getMessage().getFormattedMessage()
                    + (event.getThrown() == null ? "" : " " + event.getThrown().getMessage()));
        }
    }
}
