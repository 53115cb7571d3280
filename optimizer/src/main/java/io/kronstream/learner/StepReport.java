// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.util.List;

/**
 * What one optimizer step did.
 *
 * @param step number of the step, from 1
 * @param loss mean loss of the mini-batch before the step
 * @param scores one per example of the mini-batch, in stream order
 */
public record StepReport(long step, double loss, List<Score> scores) {}
