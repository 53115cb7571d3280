// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.race;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;

/**
 * A race.
 *
 * @param dataset the stream
 * @param examples that were predicted
 * @param metric what the losses are; smaller is better
 * @param best of each name the entrant with the smallest loss, best first
 * @param all every entrant, without laps
 * @param noChange loss of the no-change predictor
 * @param noChangeLastQuarter the same over the last quarter
 * @param prior loss of the majority, or of the running mean
 * @param priorLastQuarter the same over the last quarter
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record RaceResult(
        String dataset,
        long examples,
        String metric,
        List<Finish> best,
        List<Finish> all,
        double noChange,
        double noChangeLastQuarter,
        double prior,
        double priorLastQuarter) {}
