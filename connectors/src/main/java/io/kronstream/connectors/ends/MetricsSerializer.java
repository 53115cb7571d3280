// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.kronstream.evaluation.WindowMetrics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.SortedMap;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Metrics of a window as JSON: {@code model}, {@code from}, {@code to}, {@code step}, {@code examples}, {@code metrics},
 * {@code noChange}, {@code prior}, {@code wholeExamples}, {@code whole}. A number that is not finite is null.
 */
final class MetricsSerializer implements KafkaRecordSerializationSchema<WindowMetrics> {
    private static final long serialVersionUID = 1;

    private static final JsonFactory JSON = new JsonFactory();

    private final String topic;

    MetricsSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(WindowMetrics window, KafkaSinkContext context, Long timestamp) {
        return new ProducerRecord<>(topic, window.model().getBytes(StandardCharsets.UTF_8), json(window));
    }

    private static byte[] json(WindowMetrics window) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            json.writeStringField("model", window.model());
            json.writeNumberField("from", window.from());
            json.writeNumberField("to", window.to());
            json.writeNumberField("step", window.step());
            json.writeNumberField("examples", window.examples());
            write(json, "metrics", window.metrics());
            write(json, "noChange", window.noChange());
            write(json, "prior", window.prior());
            json.writeNumberField("wholeExamples", window.wholeExamples());
            write(json, "whole", window.whole());
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("Bytes can always be written to memory", e);
        }
        return bytes.toByteArray();
    }

    private static void write(JsonGenerator json, String name, SortedMap<String, Double> metrics) throws IOException {
        json.writeObjectFieldStart(name);
        for (Map.Entry<String, Double> metric : metrics.entrySet()) {
            if (Double.isFinite(metric.getValue())) {
                json.writeNumberField(metric.getKey(), metric.getValue());
            } else {
                json.writeNullField(metric.getKey());
            }
        }
        json.writeEndObject();
    }
}
