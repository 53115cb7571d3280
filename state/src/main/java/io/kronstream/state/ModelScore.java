// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Score;

/** A score and the model that made it. */
public record ModelScore(String model, Score score) {}
