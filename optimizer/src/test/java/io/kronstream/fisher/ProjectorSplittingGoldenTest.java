// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static io.kronstream.golden.GoldenFile.matrix;
import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.golden.GoldenFields;
import io.kronstream.golden.GoldenFile;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The three recursions of the factors, from two starts. */
class ProjectorSplittingGoldenTest {
    /**
     * Single precision against the stored double run: the rank-one start loses half the digits of its null space; from
     * the other start 1e-6 was seen.
     */
    private static final double FLOAT_AGAINST_DOUBLE = 1e-4;

    @TestFactory
    Stream<DynamicTest> factors() {
        return GoldenFile.tests(
                "kron-integrator/1",
                file -> file.inBothPrecisions(precision -> {
                    for (int item = 0; item < file.at("/items").size(); item++) {
                        int index = item;
                        GoldenFields fields = file.fields("/items/" + item);
                        fields.passOver(
                                "m",
                                "n",
                                "beta",
                                "grads",
                                "variants",
                                "best_rel_error",
                                "max_rel_diff_vs_reference_code");
                        fields.assertAllRead();
                        file.at("/items/" + item + "/variants")
                                .fieldNames()
                                .forEachRemaining(variant -> compare(file, index, variant, precision));
                    }
                }));
    }

    private static void compare(GoldenFile file, int index, String variant, Precision precision) {
        double tolerance = precision == Precision.DOUBLE ? GoldenFile.DOUBLE_TOLERANCE : FLOAT_AGAINST_DOUBLE;
        JsonNode item = file.at("/items/" + index);
        int m = item.get("m").asInt();
        int n = item.get("n").asInt();
        JsonNode states = item.get("variants").get(variant);
        JsonNode gradients = item.get("grads");
        try (ProjectorSplitting splitting = splitting(variant.substring(0, variant.indexOf('/')), precision)) {
            Matrix left = Matrix.create(precision, m, m);
            Matrix right = Matrix.create(precision, n, n);
            int first = 0;
            if (variant.endsWith("/eps")) {
                left.setIdentity(1e-3 / Math.sqrt(m));
                right.setIdentity(1e-3 / Math.sqrt(n));
            } else {
                assertThat(variant).endsWith("/kron_code");
                // Exactly rank one after the first gradient: start from the stored factors.
                left.copyFrom(matrix(precision, m, m, states.get("1").get("L")));
                right.copyFrom(matrix(precision, n, n, states.get("1").get("R")));
                first = 1;
            }
            for (int t = first; t < gradients.size(); t++) {
                Matrix gradient = matrix(precision, m, n, gradients.get(t));
                splitting.follow(
                        left,
                        right,
                        new LayerGradient(gradient),
                        item.get("beta").asDouble());

                JsonNode expected = states.get(String.valueOf(t + 1));
                if (expected != null) {
                    assertThat(relativeError(left, expected.get("L")))
                            .as("L after %d, item %d, %s", t + 1, index, variant)
                            .isLessThan(tolerance);
                    assertThat(relativeError(right, expected.get("R")))
                            .as("R after %d, item %d, %s", t + 1, index, variant)
                            .isLessThan(tolerance);
                }
            }
        }
    }

    private static ProjectorSplitting splitting(String recursion, Precision precision) {
        return switch (recursion) {
            case "basis_update_galerkin" -> ProjectorSplitting.parallel(precision);
            case "ksl_new_left" -> ProjectorSplitting.sequential(precision);
            case "ksl_old_left" -> ProjectorSplitting.sequentialOldLeft(precision);
            default -> throw new AssertionError("unknown recursion " + recursion);
        };
    }
}
