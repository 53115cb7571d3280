// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.race;

/**
 * How an entrant stood at a point of the stream.
 *
 * @param examples examples that were predicted
 * @param cpuSeconds processor time that its learning had taken
 * @param loss the race's metric over all of them
 * @param noChange the same of the no-change predictor
 * @param prior the same of the running mean of the labels, which is the majority of classes
 */
public record Lap(long examples, double cpuSeconds, double loss, double noChange, double prior) {}
