// SPDX-License-Identifier: Apache-2.0
/**
 * Measures how fast models learn on this machine, and counts the arithmetic that they need, so that the two can be
 * compared. Nothing here needs Flink or Kafka.
 */
package io.kronstream.jobs.bench;
