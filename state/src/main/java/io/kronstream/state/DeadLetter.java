// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

/**
 * A record, or a mini-batch, that could not be learned from.
 *
 * @param topic Kafka topic it came from
 * @param partition its partition
 * @param offset its offset (of a batch: of the first example)
 * @param timestamp the Kafka record's timestamp in milliseconds
 * @param reason class of the reason, a lower-case word such as {@code malformed}, {@code label}, {@code non-finite}
 * @param sentence one readable sentence
 * @param key raw bytes of the record's key, or null
 * @param value raw bytes of the record, cut at a limit, or null
 */
public record DeadLetter(
        String topic,
        int partition,
        long offset,
        long timestamp,
        String reason,
        String sentence,
        byte[] key,
        byte[] value) {}
