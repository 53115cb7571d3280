// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

/**
 * A kill that happened.
 *
 * @param examples learned when it happened
 * @param seconds until a checkpoint that began after it had completed; null if the next kill came before that
 */
public record Crash(Victim victim, long examples, Double seconds) {}
