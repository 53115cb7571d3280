// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;

/**
 * How fast a whole job learned what waited in its topic, beside the learner alone.
 *
 * @param benchCase name of the case; {@code case} in JSON
 * @param slots of the job
 * @param records that were timed
 * @param broken share of them that could not be decoded
 * @param seconds from when those before were scored or set aside until these were
 * @param cpuSeconds processor time of the process in this time, its broker and cluster included
 * @param recordsPerSecond of the job; each record holds one example
 * @param learnerExamplesPerSecond of bare learners fed from memory, on as many threads as there are slots
 * @param share of their speed
 */
@JsonNaming(SnakeCaseStrategy.class)
public record PipelineMeasurement(
        @JsonProperty("case") String benchCase,
        String optimizer,
        int slots,
        long records,
        double broken,
        double seconds,
        double cpuSeconds,
        double recordsPerSecond,
        double learnerExamplesPerSecond,
        double share) {}
