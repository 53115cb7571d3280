// SPDX-License-Identifier: Apache-2.0
/**
 * Measures how fast models learn on this machine, and counts the arithmetic that they need, so that the two can be
 * compared. The pipeline benchmark brings its own Kafka and Flink; the step benchmark needs neither.
 */
package io.kronstream.jobs.bench;
