// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static io.kronstream.golden.GoldenFile.matrix;
import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.FisherError;
import io.kronstream.fisher.FisherError.Product;
import io.kronstream.golden.GoldenFile;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What each natural-gradient method makes of one mini-batch: factors, damped direction and both errors of the
 * approximation, against dense matrices and a full singular value decomposition.
 */
class KroneckerDirectionGoldenTest {
    /** Two vectors that differ by the denominator's floor alone are the file's; rounding of the roots is not. */
    private static final double FLOAT_DIRECTION_TOLERANCE = 2e-3;

    static List<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (GoldenFile file : GoldenFile.ofSchema("kpsvd-static/1")) {
            for (int i = 0; i < file.at("/cases").size(); i++) {
                for (String method : List.of("kfac", "kpsvd", "deflation", "lanczos", "kfac-corrected")) {
                    for (Precision precision : Precision.values()) {
                        cases.add(Arguments.of(file, i, method, precision));
                    }
                }
            }
        }
        return cases;
    }

    @ParameterizedTest(name = "{0} {1} {2} {3}")
    @MethodSource("cases")
    void directionAndErrors(GoldenFile file, int number, String method, Precision precision) {
        JsonNode batch = file.at("/cases/" + number);
        JsonNode expected = batch.at("/methods/" + method.replace('-', '_'));
        if (expected.has("same_as")) {
            expected = batch.at("/methods/" + expected.get("same_as").asText());
        }
        int examples = batch.get("m").asInt();
        int n = batch.get("d_in").asInt() + 1;
        int m = batch.get("d_out").asInt();
        Matrix activations = matrix(precision, examples, n, batch.get("abar"));
        Matrix gradients = matrix(precision, examples, m, batch.get("g"));
        boolean wide = precision == Precision.DOUBLE;
        OptimizerSettings settings = settings(method, batch.get("damping").asDouble(), wide);
        try (KroneckerOptimizer optimizer = (KroneckerOptimizer) Optimizers.create(settings, precision);
                EigenRefresh refresh = new EigenRefresh(precision)) {
            Memory memory = optimizer.memory(m, n);
            Arena arena = new Arena(precision, memory.tensors(), memory.counters());
            LayerState state = new LayerState(arena, "");
            optimizer.follow(activations, gradients, true, 0.95, 1, state);
            for (int side : optimizer.sides(m, n)) {
                optimizer.install(state, side, refresh.compute(optimizer.task(state, side)));
            }
            Matrix direction = Matrix.create(precision, m, n);
            optimizer.precondition(new LayerGradient(matrix(precision, m, n, batch.get("grad"))), direction, state);

            assertThat(relativeError(direction, expected.get(guarded(expected))))
                    .isLessThan(wide ? GoldenFile.DOUBLE_TOLERANCE : FLOAT_DIRECTION_TOLERANCE);
            List<Product> approximation = approximation(state, expected);
            double tolerance = wide ? GoldenFile.DOUBLE_TOLERANCE : GoldenFile.FLOAT_TOLERANCE;
            assertThat(FisherError.relative(activations, gradients, approximation))
                    .isCloseTo(expected.get("error1").asDouble(), within(tolerance));
            assertThat(FisherError.spectral(activations, gradients, approximation))
                    .isCloseTo(expected.get("error2").asDouble(), within(tolerance));
        }
    }

    private static String guarded(JsonNode expected) {
        return expected.has("direction_floor_0p1") ? "direction_floor_0p1" : "direction";
    }

    private static List<Product> approximation(LayerState state, JsonNode expected) {
        List<Product> products = new ArrayList<>();
        products.add(new Product(state.tensor("right"), state.tensor("left")));
        if (expected.has("factors2")) {
            products.add(new Product(state.tensor("rightSecond"), state.tensor("leftSecond")));
        }
        return products;
    }

    private static OptimizerSettings settings(String method, double damping, boolean wide) {
        OptimizerSettings settings = OptimizerSettings.defaults(method).with(KroneckerOptimizer.DAMPING, damping);
        double tolerance = wide ? 1e-13 : 1e-6;
        if (settings.has(KPSVD.TOLERANCE)) {
            settings = settings.with(KPSVD.TOLERANCE, tolerance);
        }
        if (settings.has(KPSVD.ITERATIONS)) {
            settings = settings.with(KPSVD.ITERATIONS, 1000);
        }
        return settings.has(Lanczos.STEPS) ? settings.with(Lanczos.STEPS, 10).with(Lanczos.CYCLES, 30) : settings;
    }
}
