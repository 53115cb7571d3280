// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import io.kronstream.connectors.model.ModelRecord;
import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.utils.Utils;

/** Model records; the model's id decides the partition, so that a reader sees them in the order they were written. */
final class ModelRecordSerializer implements KafkaRecordSerializationSchema<ModelRecord> {
    private static final long serialVersionUID = 1;

    private final String topic;

    ModelRecordSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(ModelRecord written, KafkaSinkContext context, Long timestamp) {
        int partitions = context.getPartitionsForTopic(topic).length;
        byte[] model = written.model().getBytes(StandardCharsets.UTF_8);
        int partition = Utils.toPositive(Utils.murmur2(model)) % partitions;
        return new ProducerRecord<>(topic, partition, written.key().getBytes(StandardCharsets.UTF_8), written.value());
    }
}
