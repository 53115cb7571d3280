// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.Position;
import io.kronstream.connectors.TestBroker;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.Topics;
import io.kronstream.connectors.example.DecodeFunction;
import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.example.Schemas;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.connectors.model.Models;
import io.kronstream.learner.Example;
import io.kronstream.learner.Score;
import io.kronstream.state.KronstreamTypes;
import io.kronstream.state.ModelScore;
import io.kronstream.state.Origins;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * All ends in one small job on a mini cluster: records in, decoded, and out again as scores, models and dead letters.
 */
class KafkaEndsITCase {
    @RegisterExtension
    static final TestBroker BROKER = new TestBroker();

    @RegisterExtension
    static final MiniClusterExtension CLUSTER = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(2)
            .build());

    private static final Duration TRANSACTION_TIMEOUT = Duration.ofMinutes(10);
    private static final double[] AWKWARD = {0.1, -0.0, 1e-300, 5.827000141143799, 1.0 / 3, 123456789.123456789};

    @Test
    void carriesRecordsInAndResultsOut() throws Exception {
        KafkaSettings settings = BROKER.settings();
        Topics topics = BROKER.createTopics(2, 1);
        byte[] huge = new byte[DecodeFunction.MAX_DEAD_LETTER_BYTES + 1];
        Arrays.fill(huge, (byte) 'x');
        try (KafkaProducer<byte[], byte[]> producer = BROKER.producer()) {
            for (int i = 0; i < AWKWARD.length; i++) {
                send(producer, topics, i % 2, "key", (AWKWARD[i] + ",1,") + (i == 0 ? "" : i));
            }
            send(producer, topics, 0, "some key", "1,oops,3");
            producer.send(new ProducerRecord<>(topics.examples(), 1, 77L, null, huge));
            producer.send(new ProducerRecord<>(topics.examples(), 1, 78L, (byte[]) null, (byte[]) null));
        }
        Map<Integer, Long> stopAt;
        try (TopicAdmin admin = TopicAdmin.connect(settings)) {
            stopAt = admin.endOffsets(topics.examples());
        }
        try (KafkaProducer<byte[], byte[]> producer = BROKER.producer()) {
            send(producer, topics, 0, "key", "9,9,9"); // behind the end of the bounded run
        }

        JobExecutionResult result = run(settings, topics, stopAt);

        assertThat(result.<Long>getAccumulatorResult(DecodeFunction.REJECTED)).isEqualTo(3);
        assertScores(topics);
        assertModels(settings, topics);
        assertDeadLetters(topics, huge);
    }

    private static void send(
            KafkaProducer<byte[], byte[]> producer, Topics topics, int partition, String key, String value) {
        producer.send(new ProducerRecord<>(topics.examples(), partition, 1000L, bytes(key), bytes(value)));
    }

    private static JobExecutionResult run(KafkaSettings settings, Topics topics, Map<Integer, Long> stopAt)
            throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.configure(Configuration.fromMap(Map.of(
                "execution.checkpointing.interval", "200ms",
                "pipeline.generic-types", "false")));
        env.setParallelism(2);
        Source<RawRecord, ?, ?> source = KafkaEnds.examples(
                settings, topics, Origins.topics(topics.examples()), null, Position.EARLIEST, Position.before(stopAt));
        SingleOutputStreamOperator<Example> examples = env.fromSource(
                        source, WatermarkStrategy.noWatermarks(), "examples")
                .process(new DecodeFunction(new ExampleDecoder(Schemas.regression(), "m")))
                .returns(KronstreamTypes.EXAMPLE);
        examples.getSideOutput(DecodeFunction.DEAD_LETTERS)
                .sinkTo(KafkaEnds.deadLetters(settings, topics, Delivery.AT_LEAST_ONCE, TRANSACTION_TIMEOUT));
        examples.map(KafkaEndsITCase::score)
                .returns(KronstreamTypes.MODEL_SCORE)
                .sinkTo(KafkaEnds.scores(settings, topics, Delivery.EXACTLY_ONCE, TRANSACTION_TIMEOUT));
        examples.map(example -> Models.published("m" + example.partition(), example.offset() + 1, 2500, 1))
                .returns(KronstreamTypes.PUBLISHED_MODEL)
                .flatMap(new ModelChunks(settings, topics.models(), Delivery.EXACTLY_ONCE, null, Long.MAX_VALUE, null))
                .returns(ModelRecordCodec.MODEL_RECORD)
                .sinkTo(KafkaEnds.models(settings, topics, Delivery.EXACTLY_ONCE, TRANSACTION_TIMEOUT));
        return env.execute();
    }

    private static ModelScore score(Example example) {
        return new ModelScore(
                "m" + example.partition(),
                new Score(
                        example.partition(),
                        example.offset(),
                        example.row(),
                        example.timestamp(),
                        7,
                        example.numeric()[1],
                        example.label(),
                        Double.POSITIVE_INFINITY,
                        1));
    }

    private static void assertScores(Topics topics) throws Exception {
        Map<Double, JsonNode> scores = new TreeMap<>();
        for (ConsumerRecord<byte[], byte[]> read : BROKER.records(topics.scores())) {
            JsonNode score = new ObjectMapper().readTree(read.value());
            assertThat(new String(read.key(), StandardCharsets.UTF_8))
                    .isEqualTo(score.get("model").asText());
            scores.put(score.get("prediction").doubleValue(), score);
        }
        assertThat(scores.keySet())
                .containsExactlyInAnyOrder(Arrays.stream(AWKWARD).boxed().toArray(Double[]::new));
        JsonNode third = scores.get(AWKWARD[3]);
        assertThat(third.fieldNames())
                .toIterable()
                .containsExactly(
                        "model",
                        "partition",
                        "offset",
                        "row",
                        "timestamp",
                        "step",
                        "prediction",
                        "label",
                        "noChange",
                        "prior");
        assertThat(third.get("model").asText()).isEqualTo("m1");
        assertThat(third.get("partition").intValue()).isEqualTo(1);
        assertThat(third.get("offset").longValue()).isEqualTo(1);
        assertThat(third.get("timestamp").longValue()).isEqualTo(1000);
        assertThat(third.get("step").longValue()).isEqualTo(7);
        assertThat(third.get("label").doubleValue()).isEqualTo(3);
        assertThat(third.get("noChange").isNull()).isTrue();
        assertThat(third.get("prior").doubleValue()).isEqualTo(1);
        assertThat(scores.get(AWKWARD[0]).get("label").isNull()).isTrue();
    }

    private static void assertModels(KafkaSettings settings, Topics topics) {
        try (ModelReader reader = new ModelReader(settings, topics.models(), true)) {
            assertThat(reader.models()).containsExactly("m0", "m1");
            for (String model : List.of("m0", "m1")) {
                assertThat(reader.versions(model).keySet()).containsExactly(1L, 2L, 3L);
                assertThat(reader.newest(model).orElseThrow().payload())
                        .isEqualTo(Models.published(model, 3, 2500, 1).payload());
            }
        }
        assertThat(BROKER.records(topics.models()))
                .filteredOn(read -> new String(read.key(), StandardCharsets.UTF_8).startsWith("m0/"))
                .hasSize(6)
                .extracting(ConsumerRecord::partition)
                .containsOnly(BROKER.records(topics.models()).stream()
                        .filter(read -> new String(read.key(), StandardCharsets.UTF_8).equals("m0/manifest/1"))
                        .findFirst()
                        .orElseThrow()
                        .partition());
    }

    private static void assertDeadLetters(Topics topics, byte[] huge) {
        Map<String, ConsumerRecord<byte[], byte[]>> letters = new TreeMap<>();
        BROKER.records(topics.deadLetters()).forEach(read -> letters.put(header(read, "reason"), read));
        assertThat(letters.keySet()).containsExactly("empty", "fields", "number");

        ConsumerRecord<byte[], byte[]> number = letters.get("number");
        assertThat(number.value()).isEqualTo(bytes("1,oops,3"));
        assertThat(number.key()).isEqualTo(bytes("some key"));
        assertThat(headers(number))
                .containsExactly(
                        "topic=" + topics.examples(),
                        "partition=0",
                        "offset=3",
                        "timestamp=1000",
                        "reason=number",
                        "message=Column 'b' is not a number: 'oops'");

        assertThat(letters.get("fields").value()).isEqualTo(Arrays.copyOf(huge, DecodeFunction.MAX_DEAD_LETTER_BYTES));
        assertThat(header(letters.get("fields"), "offset")).isEqualTo("3");
        assertThat(letters.get("empty").value()).isNull();
        assertThat(header(letters.get("empty"), "timestamp")).isEqualTo("78");
    }

    private static List<String> headers(ConsumerRecord<byte[], byte[]> read) {
        List<String> headers = new ArrayList<>();
        for (Header header : read.headers()) {
            headers.add(header.key() + "=" + new String(header.value(), StandardCharsets.UTF_8));
        }
        return headers;
    }

    private static String header(ConsumerRecord<byte[], byte[]> read, String name) {
        return new String(read.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
