// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;

/**
 * What checkpoints of one model cost.
 *
 * @param stateBytes of the model as it is stored
 * @param intervalMillis between two checkpoints
 * @param stretchSteps steps of a stretch, with checkpoints or without: whole refresh cycles
 * @param checkpoints measured
 * @param durationMillis median time from the trigger of a checkpoint to its end
 * @param blockedMillis median time for which learning stands still in a checkpoint
 * @param checkpointBytes median bytes that a checkpoint writes
 * @param costMillis for each stretch with checkpoints, how much longer than its neighbours it took, for each checkpoint
 * @param stepsPerSecond median of the stretches without a checkpoint
 * @param stepsPerSecondWithCheckpoint that rate, less the slowdown
 * @param slowdown the median cost of a checkpoint over the time between two
 */
@JsonNaming(SnakeCaseStrategy.class)
public record CheckpointMeasurement(
        String optimizer,
        String backend,
        long parameters,
        long stateBytes,
        int batch,
        long intervalMillis,
        int stretchSteps,
        int checkpoints,
        double durationMillis,
        double blockedMillis,
        double checkpointBytes,
        List<Double> costMillis,
        double stepsPerSecond,
        double stepsPerSecondWithCheckpoint,
        double slowdown) {}
