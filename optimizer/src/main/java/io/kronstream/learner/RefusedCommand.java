// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

/**
 * A command that changed nothing.
 *
 * @param command the command
 * @param partition Kafka partition of its record
 * @param offset its offset
 * @param reason a sentence without its first capital letter and its last stop
 */
public record RefusedCommand(Command command, int partition, long offset, String reason) {}
