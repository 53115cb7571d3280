// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.learner.Score;
import io.kronstream.state.ModelScore;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

class ScoreSerializerTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ScoreSerializer serializer = new ScoreSerializer("scores");

    @Test
    void theLineIsThis() {
        assertThat(text("m", new Score(1, 2, 0, 3, 4, 0.25, 1, 1e-7, 5)))
                .isEqualTo("{\"model\":\"m\",\"partition\":1,\"offset\":2,\"row\":0,\"timestamp\":3,\"step\":4,"
                        + "\"prediction\":0.25,\"label\":1.0,\"noChange\":1.0E-7,\"prior\":5.0}");
    }

    @Test
    void classesHaveTheirAnswers() {
        assertThat(text("m", new Score(1, 2, 0, 3, 4, 0.25, 2, 0.5, 0.125, 1, new Score.Answers(2, 0, 1))))
                .endsWith("\"prior\":0.125,\"answer\":2,\"noChangeAnswer\":0,\"priorAnswer\":1}");
    }

    @Test
    void whatIsNotFiniteIsNull() throws Exception {
        JsonNode read = JSON.readTree(
                text("m", new Score(0, 0, 0, 0, 0, Double.NaN, Double.POSITIVE_INFINITY, -0.0, Double.MIN_VALUE)));

        assertThat(read.get("prediction").isNull()).isTrue();
        assertThat(read.get("label").isNull()).isTrue();
        assertThat(read.get("noChange").doubleValue()).isEqualTo(-0.0);
        assertThat(read.get("prior").doubleValue()).isEqualTo(Double.MIN_VALUE);
    }

    @Test
    void everyNumberAndEveryNameReadsBack() throws Exception {
        SplittableRandom random = new SplittableRandom(7);
        String[] models = {"m", "a \"quoted\" name\\", "\u00fcber\n\u4e2d\ud83d\ude00", "", "x".repeat(200)};
        for (int i = 0; i < 20_000; i++) {
            String model = models[random.nextInt(models.length)];
            Score score = new Score(
                    random.nextInt(),
                    random.nextLong(),
                    random.nextInt(),
                    random.nextLong(),
                    random.nextLong(),
                    finite(random),
                    finite(random),
                    random.nextDouble(),
                    finite(random));
            ProducerRecord<byte[], byte[]> record = serializer.serialize(new ModelScore(model, score), null, null);

            assertThat(new String(record.key(), StandardCharsets.UTF_8)).isEqualTo(model);
            JsonNode read = JSON.readTree(record.value());
            assertThat(read.get("model").textValue()).isEqualTo(model);
            assertThat(new Score(
                            read.get("partition").intValue(),
                            read.get("offset").longValue(),
                            read.get("row").intValue(),
                            read.get("timestamp").longValue(),
                            read.get("step").longValue(),
                            read.get("prediction").doubleValue(),
                            read.get("label").doubleValue(),
                            read.get("noChange").doubleValue(),
                            read.get("prior").doubleValue()))
                    .isEqualTo(score);
        }
    }

    private static double finite(SplittableRandom random) {
        double value = Double.NaN;
        while (!Double.isFinite(value)) {
            value = Double.longBitsToDouble(random.nextLong());
        }
        return value;
    }

    private String text(String model, Score score) {
        return new String(
                serializer.serialize(new ModelScore(model, score), null, null).value(), StandardCharsets.UTF_8);
    }
}
