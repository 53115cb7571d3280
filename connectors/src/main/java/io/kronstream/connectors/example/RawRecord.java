// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

/**
 * A record of the examples topic as it was read. The arrays are never changed after construction.
 *
 * @param topic Kafka topic
 * @param partition its partition
 * @param offset its offset in the partition
 * @param timestamp the Kafka record's timestamp in milliseconds
 * @param key key bytes, or null
 * @param value value bytes, or null
 */
public record RawRecord(String topic, int partition, long offset, long timestamp, byte[] key, byte[] value) {}
