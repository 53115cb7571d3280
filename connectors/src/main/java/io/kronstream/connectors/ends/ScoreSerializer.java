// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import io.kronstream.learner.Score;
import io.kronstream.state.ModelScore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Scores as JSON: {@code model}, {@code partition}, {@code offset}, {@code row}, {@code timestamp}, {@code step}, {@code
 * prediction}, {@code label}, {@code noChange}, {@code prior}. A number reads back as the very same double; one that is
 * not finite is null.
 */
final class ScoreSerializer implements KafkaRecordSerializationSchema<ModelScore> {
    private static final long serialVersionUID = 1;

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
            .build();

    private final String topic;

    ScoreSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(ModelScore scored, KafkaSinkContext context, Long timestamp) {
        return new ProducerRecord<>(topic, scored.model().getBytes(StandardCharsets.UTF_8), json(scored));
    }

    private static byte[] json(ModelScore scored) {
        Score score = scored.score();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            json.writeStringField("model", scored.model());
            json.writeNumberField("partition", score.partition());
            json.writeNumberField("offset", score.offset());
            json.writeNumberField("row", score.row());
            json.writeNumberField("timestamp", score.timestamp());
            json.writeNumberField("step", score.step());
            writeDouble(json, "prediction", score.prediction());
            writeDouble(json, "label", score.label());
            writeDouble(json, "noChange", score.noChange());
            writeDouble(json, "prior", score.prior());
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("Bytes can always be written to memory", e);
        }
        return bytes.toByteArray();
    }

    private static void writeDouble(JsonGenerator json, String name, double value) throws IOException {
        if (Double.isFinite(value)) {
            json.writeNumberField(name, value);
        } else {
            json.writeNullField(name);
        }
    }
}
