// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.golden.GoldenFile;
import io.kronstream.golden.TrainingProblem;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Activations, per-example pre-activation gradients and weight gradients of one batch. */
class BackpropGoldenTest {
    @TestFactory
    Stream<DynamicTest> batch() {
        return GoldenFile.tests("backprop/1", file -> file.inBothPrecisions(precision -> compare(file, precision)));
    }

    private static void compare(GoldenFile file, Precision precision) {
        double tolerance = precision == Precision.DOUBLE ? GoldenFile.DOUBLE_TOLERANCE : GoldenFile.FLOAT_TOLERANCE;
        try (TrainingProblem problem = new TrainingProblem(file, precision)) {
            double loss = problem.backward(0);

            double expected = file.at("/loss").asDouble();
            assertThat(loss).isCloseTo(expected, within(tolerance * Math.abs(expected)));
            int rows = file.at("/problem/X/0/shape/0").asInt();
            Matrix outputs = Matrix.create(precision, rows, problem.network().outputs());
            for (int row = 0; row < rows; row++) {
                for (int column = 0; column < outputs.columns(); column++) {
                    outputs.set(row, column, problem.network().output(row, column));
                }
            }
            assertThat(relativeError(outputs, file.at("/output"))).isLessThan(tolerance);
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
