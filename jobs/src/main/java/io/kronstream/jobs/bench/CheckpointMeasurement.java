// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;

/**
 * What checkpoints of one model cost.
 *
 * @param stateBytes of the model as it is stored
 * @param intervalMillis between two checkpoints
 * @param checkpoints measured
 * @param durationMillis median time from the trigger of a checkpoint to its end
 * @param blockedMillis median time for which learning stands still in a checkpoint
 * @param checkpointBytes median bytes that a checkpoint writes
 * @param stepsPerSecond median of the windows without a checkpoint
 * @param stepsPerSecondWithCheckpoint median of the windows with one
 * @param slowdown by checkpoints: one minus the ratio of the two
 */
@JsonNaming(SnakeCaseStrategy.class)
public record CheckpointMeasurement(
        String optimizer,
        String backend,
        long parameters,
        long stateBytes,
        int batch,
        long intervalMillis,
        int checkpoints,
        double durationMillis,
        double blockedMillis,
        double checkpointBytes,
        double stepsPerSecond,
        double stepsPerSecondWithCheckpoint,
        double slowdown) {}
