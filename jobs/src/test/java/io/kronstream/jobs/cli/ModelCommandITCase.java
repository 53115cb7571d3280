// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.TopicSettings;
import io.kronstream.connectors.Topics;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.model.VersionCutter;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.StepReport;
import io.kronstream.learner.Task;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.state.Origins;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCommandITCase {
    private static final DataSchema NUMBERS = DataSchema.builder(List.of("a", "y"), Task.REGRESSION, "y")
            .numeric(List.of("a"))
            .build();
    private static final DataSchema KINDS = DataSchema.builder(List.of("a", "y"), Task.CLASSIFICATION, "y")
            .classes(List.of("even", "odd", "many"))
            .numeric(List.of("a"))
            .build();

    @Test
    void listsShowsExportsAndPredicts(@TempDir Path dir) throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir.resolve("kafka"), 0)) {
            KafkaSettings kafka = KafkaSettings.of(broker.bootstrap());
            publish(kafka, new Topics("shop"), NUMBERS);
            publish(kafka, new Topics("kinds"), KINDS);
            String[] where = {"--bootstrap", broker.bootstrap(), "--prefix", "shop"};

            JsonNode listed = new ObjectMapper().readTree(run(0, where, "model", "list", "--json"));
            assertThat(listed.path("model").asText()).isEqualTo("m");
            assertThat(listed.path("version").asLong()).isEqualTo(1);
            assertThat(run(0, where, "model", "show")).startsWith("Model m, version 1: 1 steps, 4 examples");
            assertThat(run(1, where, "model", "show", "--number", "9")).contains("no version 9 of model 'm'");

            Path rows = dir.resolve("rows.jsonl");
            Files.writeString(rows, "{\"a\": 1.5}\n{\"a\": \"many\"}\n");
            List<String> answers =
                    run(1, where, "model", "predict", rows.toString()).lines().toList();
            assertThat(new ObjectMapper()
                            .readTree(answers.get(0))
                            .path("prediction")
                            .isDouble())
                    .isTrue();
            assertThat(answers.get(1)).contains("Column 'a' is not a number: 'many'");

            String[] kinds = {"--bootstrap", broker.bootstrap(), "--prefix", "kinds"};
            JsonNode kind = new ObjectMapper()
                    .readTree(run(1, kinds, "model", "predict", rows.toString())
                            .lines()
                            .findFirst()
                            .orElseThrow());
            assertThat(kind.path("prediction").asText()).isIn("even", "odd", "many");
            double sum = 0;
            for (JsonNode probability : kind.path("probabilities")) {
                assertThat(probability.asDouble())
                        .isLessThanOrEqualTo(kind.path("probabilities")
                                .path(kind.path("prediction").asText())
                                .asDouble());
                sum += probability.asDouble();
            }
            assertThat(sum).isCloseTo(1, within(1e-9));

            Path file = dir.resolve("m.safetensors");
            run(0, where, "model", "export", file.toString());
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            byte[] header = new byte[(int) bytes.getLong()];
            bytes.get(header);
            JsonNode tensors = new ObjectMapper().readTree(new String(header, StandardCharsets.UTF_8));
            assertThat(tensors.path("parameters0").path("shape").toString()).isEqualTo("[3,2]");
            assertThat(tensors.path("payload").path("data_offsets").get(1).asInt())
                    .isEqualTo(bytes.remaining());
            assertThat(tensors.path("__metadata__").path("network").asText()).contains("dense: 3");
        }
    }

    @Test
    void commandsGoToTheModelsPartition(@TempDir Path dir) throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(dir.resolve("kafka"), 0)) {
            KafkaSettings kafka = KafkaSettings.of(broker.bootstrap());
            publish(kafka, new Topics("shop"), NUMBERS);
            String[] where = {"--bootstrap", broker.bootstrap(), "--prefix", "shop"};

            String[] set = {"control", "set", "--name", "optimizer.learning-rate", "--value", "0.1", "--at-step", "9"};
            assertThat(run(0, where, set))
                    .startsWith("Told model m to set: topic shop.examples, partition 0, offset 0");
            JsonNode answer = new ObjectMapper().readTree(run(0, where, "control", "pause", "--id", "lunch", "--json"));
            assertThat(answer.path("offset").asLong()).isEqualTo(1);
            assertThat(run(2, where, "control", "pause", "--at-step", "-1")).contains("must not be negative");
            assertThat(run(1, where, "control", "retire", "--model", "n")).contains("no version of model 'n'");

            try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                    kafka.client(Map.of(), Map.of()), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                TopicPartition partition = new TopicPartition("shop.examples", 0);
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
                List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
                long deadline = System.nanoTime() + 30_000_000_000L;
                while (records.size() < 2 && System.nanoTime() < deadline) {
                    consumer.poll(Duration.ofMillis(100)).forEach(records::add);
                }
                assertThat(records).hasSize(2).allMatch(record -> RawRecord.of(record, Origins.topics(record.topic()))
                        .control());
                assertThat(new String(records.get(1).value(), StandardCharsets.UTF_8))
                        .isEqualTo("{\"model\":\"m\",\"command\":\"pause\",\"id\":\"lunch\"}");
            }
        }
    }

    private static String run(int status, String[] where, String... words) {
        String[] all = new String[words.length + where.length];
        System.arraycopy(words, 0, all, 0, words.length);
        System.arraycopy(where, 0, all, words.length, where.length);
        StringWriter said = new StringWriter();
        PrintWriter writer = new PrintWriter(said);
        int ended = Main.run(all, writer, writer);
        writer.flush();
        assertThat(ended).as(said.toString()).isEqualTo(status);
        return said.toString();
    }

    private static void publish(KafkaSettings kafka, Topics topics, DataSchema schema) {
        try (TopicAdmin admin = TopicAdmin.connect(kafka)) {
            admin.ensure(topics, TopicSettings.of(1, 1));
        }
        LearnerSettings settings = new LearnerSettings(
                schema, List.of(3), Activation.TANH, OptimizerSettings.defaults("adam"), 4, 0, 0, 1);
        VersionCutter cutter = VersionCutter.of(kafka, topics.models(), Delivery.AT_LEAST_ONCE, settings);
        try (LearnerFactory factory = new LearnerFactory(settings);
                Learner learner = factory.create("m");
                KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                        kafka.client(Map.of(), Map.of()), new ByteArraySerializer(), new ByteArraySerializer())) {
            Learner.Listener silent = new Learner.Listener() {
                @Override
                public void stepped(StepReport report) {}

                @Override
                public void requested(RefreshRequest request) {}

                @Override
                public void rejected(RejectedBatch batch) {}
            };
            for (int i = 0; i < 4; i++) {
                learner.offer(new Example("m", 0, i, i, new double[] {i}, new int[0], i % 3), silent);
            }
            cutter.cut(learner.publish().orElseThrow())
                    .forEach(record -> producer.send(new ProducerRecord<>(
                            topics.models(), 0, record.key().getBytes(StandardCharsets.UTF_8), record.value())));
        }
    }
}
