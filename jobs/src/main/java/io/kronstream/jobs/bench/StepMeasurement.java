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
 * @param meanCpuMs the same in the thread's processor time, which other processes do not prolong
 * @param flops the fewest that a step needs, refreshes spread over the steps
 * @param gflops a second: {@code flops} over the mean
 * @param peakGflops of a matrix product in single precision, measured right before
 * @param efficiency {@code gflops / peakGflops}
 * @param stateBytes of the optimizer's declared state, parameters aside: packed tensors and counters
 * @param allocatedBytesPerStep on the Java heap
 * @param residentBytesBefore physical memory of the process, heap and native, before the measured steps; -1 if unknown
 * @param residentBytesAfter the same after them
 * @param gradientMs forward and backward passes, samples among them, and forming gradients: a share of the mean
 * @param rotationMs products with bases or inverses, and installing refreshes
 * @param factorsMs factors that follow the gradient
 * @param refreshMs computing refreshes
 * @param elementwiseMs all else
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
        double meanCpuMs,
        double flops,
        double gflops,
        double peakGflops,
        double efficiency,
        long stateBytes,
        double bytesPerParameter,
        long allocatedBytesPerStep,
        long residentBytesBefore,
        long residentBytesAfter,
        double gradientMs,
        double rotationMs,
        double factorsMs,
        double refreshMs,
        double elementwiseMs) {}
