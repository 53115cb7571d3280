// SPDX-License-Identifier: Apache-2.0
/**
 * Learners side by side on one stream, without Kafka and Flink: how good each is after how many examples and how much
 * processor time, and the picture of it.
 */
package io.kronstream.jobs.race;
