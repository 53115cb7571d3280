// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import io.kronstream.connectors.example.DecodeFunction;
import io.kronstream.state.DeadLetter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * Dead letters: key and value as they were, cut at {@link DecodeFunction#MAX_DEAD_LETTER_BYTES}; headers {@code topic},
 * {@code partition}, {@code offset}, {@code timestamp}, {@code reason} and {@code message}, each as UTF-8 text.
 */
final class DeadLetterSerializer implements KafkaRecordSerializationSchema<DeadLetter> {
    private static final long serialVersionUID = 1;

    private final String topic;

    DeadLetterSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(DeadLetter letter, KafkaSinkContext context, Long timestamp) {
        List<Header> headers = List.of(
                header("topic", letter.topic()),
                header("partition", Integer.toString(letter.partition())),
                header("offset", Long.toString(letter.offset())),
                header("timestamp", Long.toString(letter.timestamp())),
                header("reason", letter.reason()),
                header("message", letter.sentence()));
        return new ProducerRecord<>(topic, null, cut(letter.key()), cut(letter.value()), headers);
    }

    private static Header header(String name, String text) {
        return new RecordHeader(name, text.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] cut(byte[] bytes) {
        return bytes == null || bytes.length <= DecodeFunction.MAX_DEAD_LETTER_BYTES
                ? bytes
                : Arrays.copyOf(bytes, DecodeFunction.MAX_DEAD_LETTER_BYTES);
    }
}
