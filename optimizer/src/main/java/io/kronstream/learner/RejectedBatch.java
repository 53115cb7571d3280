// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

/**
 * A mini-batch that would have made the model non-finite; it changed nothing.
 *
 * @param partition Kafka partition of its examples
 * @param firstOffset offset of its first example
 * @param lastOffset offset of its last example
 * @param examples how many examples it held
 * @param reason one readable sentence
 */
public record RejectedBatch(int partition, long firstOffset, long lastOffset, int examples, String reason) {}
