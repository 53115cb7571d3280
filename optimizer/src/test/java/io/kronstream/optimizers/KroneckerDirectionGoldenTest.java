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
import io.kronstream.fisher.RefreshTask;
import io.kronstream.golden.GoldenFields;
import io.kronstream.golden.GoldenFile;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

/**
 * What each natural-gradient method makes of one mini-batch: factors, damped direction and both errors of the
 * approximation, against dense matrices and a full singular value decomposition.
 */
class KroneckerDirectionGoldenTest {
    /** Two vectors that differ by the denominator's floor alone are the file's; rounding of the roots is not. */
    private static final double FLOAT_DIRECTION_TOLERANCE = 2e-3;

    private static final String FLOORED = "direction_floor_";

    @TestFactory
    Stream<DynamicTest> directionsAndErrors() {
        return GoldenFile.tests("kpsvd-static/1", KroneckerDirectionGoldenTest::compare);
    }

    private static void compare(GoldenFile file) {
        List<Executable> checks = new ArrayList<>();
        for (int i = 0; i < file.at("/cases").size(); i++) {
            int number = i;
            GoldenFields fields = file.fields("/cases/" + i);
            fields.passOver(
                    "m", "d_in", "d_out", "abar", "g", "grad", "damping", "sigma", "sigma_corr", "frob_F", "methods");
            fields.assertAllRead();
            file.at("/cases/" + i + "/methods").fieldNames().forEachRemaining(method -> {
                for (Precision precision : Precision.values()) {
                    checks.add(() -> directionAndErrors(file, number, method.replace('_', '-'), precision));
                }
            });
        }
        Assertions.assertAll(file.name(), checks);
    }

    private static void directionAndErrors(GoldenFile file, int number, String method, Precision precision) {
        String path = "/cases/" + number + "/methods/" + method.replace('-', '_');
        if (file.at(path).has("same_as")) {
            GoldenFields fields = file.fields(path);
            path = "/cases/" + number + "/methods/" + fields.text("same_as");
            fields.passOver("note");
            fields.assertAllRead();
        }
        GoldenFields expected = file.fields(path);
        // The least eigenvalues, like the smallest denominator, describe the factors, which are compared.
        expected.passOver(
                "factors",
                "factors2",
                "min_eig_first",
                "min_eig_second",
                "min_eig_damped_matrix",
                "min_eig_undamped_approx");
        expected.has("min_denominator");
        file.at(path).fieldNames().forEachRemaining(field -> {
            double floor = floor(field, expected);
            if (floor > 0) {
                check(file.at("/cases/" + number), method, precision, expected, field, floor);
            }
        });
        for (String read : List.of("pi", "error1", "error2")) {
            expected.number(read);
        }
        expected.assertAllRead();
    }

    /** With which floor a field's direction was found; 0 if it is none, or one without a floor that would need one. */
    private static double floor(String field, GoldenFields expected) {
        if (field.startsWith(FLOORED)) {
            return Double.parseDouble(field.substring(FLOORED.length()).replace('p', '.'));
        }
        if (!field.equals("direction")) {
            return 0;
        }
        expected.get(field);
        double least = expected.number("min_denominator", 1);
        return least > 1e-3 ? Math.min(1, least) / 2 : 0;
    }

    private static void check(
            JsonNode batch, String method, Precision precision, GoldenFields expected, String field, double floor) {
        int examples = batch.get("m").asInt();
        int n = batch.get("d_in").asInt() + 1;
        int m = batch.get("d_out").asInt();
        Matrix activations = matrix(precision, examples, n, batch.get("abar"));
        Matrix gradients = matrix(precision, examples, m, batch.get("g"));
        boolean wide = precision == Precision.DOUBLE;
        double damping = batch.get("damping").asDouble();
        OptimizerSettings settings = settings(method, damping, floor, wide);
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

            assertThat(relativeError(direction, expected.get(field)))
                    .as("%s of %s", field, method)
                    .isLessThan(wide ? GoldenFile.DOUBLE_TOLERANCE : FLOAT_DIRECTION_TOLERANCE);
            double shift = Damping.shift(damping, state.tensor("left"), state.tensor("right"), RefreshTask.RIGHT);
            double tolerance = wide ? GoldenFile.DOUBLE_TOLERANCE : GoldenFile.FLOAT_TOLERANCE;
            assertThat(shift / Math.sqrt(damping))
                    .as("pi of %s", method)
                    .isCloseTo(expected.number("pi"), within(tolerance * expected.number("pi")));
            List<Product> approximation = new ArrayList<>();
            approximation.add(new Product(state.tensor("right"), state.tensor("left")));
            if (optimizer instanceof TwoProductOptimizer) {
                approximation.add(new Product(state.tensor("rightSecond"), state.tensor("leftSecond")));
            }
            close(FisherError.relative(activations, gradients, approximation), expected.number("error1"), tolerance);
            close(FisherError.spectral(activations, gradients, approximation), expected.number("error2"), tolerance);
        }
    }

    /** A small error is the root of a difference of which rounding leaves half the digits. */
    private static void close(double error, double expected, double tolerance) {
        assertThat(error).isCloseTo(expected, within(Math.min(100 * tolerance, tolerance / Math.min(1, expected))));
    }

    private static OptimizerSettings settings(String method, double damping, double floor, boolean wide) {
        OptimizerSettings settings = OptimizerSettings.defaults(method).with(KroneckerOptimizer.DAMPING, damping);
        if (settings.has(KPSVD.TOLERANCE)) {
            settings = settings.with(KPSVD.TOLERANCE, wide ? 1e-13 : 1e-6);
        }
        if (settings.has(KPSVD.ITERATIONS)) {
            settings = settings.with(KPSVD.ITERATIONS, 100_000);
        }
        if (settings.has(TwoProductOptimizer.DENOMINATOR_FLOOR)) {
            settings = settings.with(TwoProductOptimizer.DENOMINATOR_FLOOR, floor);
        }
        return settings.has(Lanczos.STEPS) ? settings.with(Lanczos.STEPS, 12).with(Lanczos.CYCLES, 1000) : settings;
    }
}
