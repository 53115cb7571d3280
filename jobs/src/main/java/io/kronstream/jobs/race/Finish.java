// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.race;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.Map;

/**
 * How an entrant finished.
 *
 * @param name of the entrant
 * @param learningRate its learning rate
 * @param loss the race's metric over the whole stream
 * @param lossLastQuarter the same over the last quarter
 * @param metrics all metrics over the whole stream, by name
 * @param cpuSeconds processor time of its learning: features, network, optimizer and refreshes
 * @param rejectedBatches mini-batches that were refused because their gradient was not finite
 * @param laps on the way
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record Finish(
        String name,
        double learningRate,
        double loss,
        double lossLastQuarter,
        Map<String, Double> metrics,
        double cpuSeconds,
        long rejectedBatches,
        List<Lap> laps) {}
