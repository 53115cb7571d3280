// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

/**
 * One record of the models topic: a chunk or a manifest. The array is never changed after construction.
 *
 * @param model id of the model; decides the partition
 * @param key the Kafka record's key
 * @param value the Kafka record's value
 */
public record ModelRecord(String model, String key, byte[] value) {}
