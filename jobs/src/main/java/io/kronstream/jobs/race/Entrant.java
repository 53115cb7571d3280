// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.race;

import io.kronstream.learner.LearnerSettings;

/**
 * A learner in a race.
 *
 * @param name in tables and pictures; those of one name differ in their learning rate, and the best of them counts
 * @param rate its learning rate
 * @param settings what it does with the stream
 */
public record Entrant(String name, double rate, LearnerSettings settings) {}
