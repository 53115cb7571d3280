// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import static io.kronstream.golden.GoldenFile.numbers;
import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.golden.GoldenFile;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
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
        JsonNode sizes = file.at("/problem/sizes");
        int depth = sizes.size() - 1;
        List<Integer> hidden = new ArrayList<>();
        for (int i = 1; i < depth; i++) {
            hidden.add(sizes.get(i).asInt());
        }
        boolean classes = file.at("/problem/loss").asText().equals("ce");
        JsonNode x = file.at("/problem/X/0");
        int rows = x.at("/shape/0").asInt();
        double[] features = numbers(x);
        JsonNode y = file.at("/problem/Y/0");
        double[] targets = numbers(classes ? y.get("labels") : y);
        // More room than rows: a partial batch.
        try (Network network = new Network(
                precision,
                sizes.get(0).asInt(),
                hidden,
                sizes.get(depth).asInt(),
                Activation.valueOf(file.at("/problem/activation").asText().toUpperCase(Locale.ROOT)),
                classes ? Loss.SOFTMAX_CROSS_ENTROPY : Loss.MEAN_SQUARED_ERROR,
                rows + 3)) {
            List<Matrix> parameters = new ArrayList<>();
            for (int i = 0; i < depth; i++) {
                parameters.add(augmented(precision, file.at("/problem/W/" + i), file.at("/problem/b/" + i)));
            }
            int width = sizes.get(0).asInt();
            for (int row = 0; row < rows; row++) {
                float[] example = new float[width];
                for (int j = 0; j < width; j++) {
                    example[j] = (float) features[row * width + j];
                }
                network.setInput(row, example);
            }

            network.forward(parameters, rows);
            double loss = network.backward(parameters, targets, rows);

            double expected = file.at("/loss").asDouble();
            assertThat(loss).isCloseTo(expected, within(tolerance * Math.abs(expected)));
            for (int i = 0; i < depth; i++) {
                LayerGradient layer = network.gradient(i);
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

    private static Matrix augmented(Precision precision, JsonNode weights, JsonNode bias) {
        int rows = weights.at("/shape/0").asInt();
        int columns = weights.at("/shape/1").asInt();
        double[] w = numbers(weights);
        double[] b = numbers(bias);
        Matrix matrix = Matrix.create(precision, rows, columns + 1);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                matrix.set(i, j, w[i * columns + j]);
            }
            matrix.set(i, columns, b[i]);
        }
        return matrix;
    }
}
