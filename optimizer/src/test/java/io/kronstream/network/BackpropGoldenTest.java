// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.golden.GoldenFile;
import io.kronstream.golden.TrainingProblem;
import io.kronstream.linalg.Precision;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Activations, per-example pre-activation gradients and weight gradients of one batch. */
class BackpropGoldenTest {
    static Stream<Arguments> cases() {
        return GoldenFile.ofSchema("backprop/1").stream()
                .flatMap(file -> Arrays.stream(Precision.values()).map(precision -> Arguments.of(file, precision)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void batch(GoldenFile file, Precision precision) {
        double tolerance = precision == Precision.DOUBLE ? GoldenFile.DOUBLE_TOLERANCE : GoldenFile.FLOAT_TOLERANCE;
        try (TrainingProblem problem = new TrainingProblem(file, precision)) {
            double loss = problem.backward(0);

            double expected = file.at("/loss").asDouble();
            assertThat(loss).isCloseTo(expected, within(tolerance * Math.abs(expected)));
            int rows = file.at("/problem/X/0/shape/0").asInt();
            for (int i = 0; i < problem.parameters().size(); i++) {
                LayerGradient layer = problem.network().gradient(i);
                assertThat(layer.batch()).isEqualTo(rows);
                assertThat(relativeError(layer.activations(), file.at("/abar/" + i)))
                        .isLessThan(tolerance);
                assertThat(relativeError(layer.preActivationGradients(), file.at("/g_per_example/" + i)))
                        .isLessThan(tolerance);
                assertThat(relativeError(layer.gradient(), file.at("/grad/" + i)))
                        .isLessThan(tolerance);
                assertThat(layer.isFinite()).isTrue();
            }
        }
    }
}
