// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;

/**
 * What steps of one network by one optimizer took.
 *
 * @param benchCase name of the case; {@code case} in JSON
 * @param steps measured, whole refresh cycles
 * @param meanMs mean over all of them
 * @param flops the fewest that a step needs, refreshes spread over the steps
 * @param gflops a second: {@code flops} over the mean
 * @param peakGflops of a matrix product in single precision, measured right before
 * @param efficiency {@code gflops / peakGflops}
 * @param stateBytes of the optimizer's declared state, parameters aside: packed tensors and counters
 * @param allocatedBytesPerStep on the Java heap
 * @param gradientMs forward and backward pass, a share of the mean
 * @param optimizerMs the optimizer's step with its own samples, and installing refreshes
 * @param refreshMs computing refreshes
 */
@JsonNaming(SnakeCaseStrategy.class)
public record StepMeasurement(
        @JsonProperty("case") String benchCase,
        String optimizer,
        int threads,
        int batch,
        int steps,
        double medianMs,
        double meanMs,
        double flops,
        double gflops,
        double peakGflops,
        double efficiency,
        long stateBytes,
        double bytesPerParameter,
        long allocatedBytesPerStep,
        double gradientMs,
        double optimizerMs,
        double refreshMs) {}
