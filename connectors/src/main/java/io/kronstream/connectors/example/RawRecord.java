// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.state.Origins;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * A record of the examples topic as it was read. The arrays are never changed after construction.
 *
 * @param topic Kafka topic, or file
 * @param partition its partition; 0 of a file
 * @param source number of the partition among all that the job reads ({@link io.kronstream.state.Origins})
 * @param offset its offset in the partition, or the line in the file
 * @param timestamp the Kafka record's timestamp in milliseconds
 * @param key key bytes, or null
 * @param value value bytes, or null
 * @param control whether it is no example but a command: its value is JSON for {@link CommandDecoder}
 */
public record RawRecord(
        String topic,
        int partition,
        int source,
        long offset,
        long timestamp,
        byte[] key,
        byte[] value,
        boolean control) {

    /** A record that holds examples, from the first topic or the only one. */
    public RawRecord(String topic, int partition, long offset, long timestamp, byte[] key, byte[] value) {
        this(topic, partition, partition, offset, timestamp, key, value, false);
    }

    /** A record from one of these topics; a command is known by its header {@link CommandDecoder#HEADER}. */
    public static RawRecord of(ConsumerRecord<byte[], byte[]> read, Origins origins) {
        return new RawRecord(
                read.topic(),
                read.partition(),
                origins.number(read.topic(), read.partition()),
                read.offset(),
                read.timestamp(),
                read.key(),
                read.value(),
                read.headers().lastHeader(CommandDecoder.HEADER) != null);
    }
}
