// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static io.kronstream.golden.GoldenFile.matrix;
import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.golden.GoldenFile;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The nearest product without forming F, against the leading singular triple of the dense, rearranged F. */
class NearestProductGoldenTest {

    static List<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (GoldenFile file : GoldenFile.ofSchema("kpsvd-static/1")) {
            for (int i = 0; i < file.at("/cases").size(); i++) {
                for (Precision precision : Precision.values()) {
                    cases.add(Arguments.of(file, i, precision));
                }
            }
        }
        return cases;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void nearestProduct(GoldenFile file, int number, Precision precision) {
        boolean wide = precision == Precision.DOUBLE;
        double tolerance = wide ? GoldenFile.DOUBLE_TOLERANCE : GoldenFile.FLOAT_TOLERANCE;
        JsonNode expected = file.at("/cases/" + number);
        int batch = expected.get("m").asInt();
        int n = expected.get("d_in").asInt() + 1;
        int m = expected.get("d_out").asInt();
        Matrix left = Matrix.create(precision, m, m);
        Matrix right = Matrix.create(precision, n, n);
        try (NearestProduct nearest = new NearestProduct(precision, wide ? 1e-13 : 1e-6, 1000)) {
            double singularValue = nearest.find(
                    matrix(precision, batch, n, expected.get("abar")),
                    matrix(precision, batch, m, expected.get("g")),
                    left,
                    right);

            double sigma = expected.at("/sigma/0").asDouble();
            assertThat(singularValue).isCloseTo(sigma, within(tolerance * sigma));
            assertThat(relativeError(right, expected.at("/methods/kpsvd/factors/A")))
                    .isLessThan(tolerance);
            assertThat(relativeError(left, expected.at("/methods/kpsvd/factors/G")))
                    .isLessThan(tolerance);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void nearestToWhatAnotherLeaves(GoldenFile file, int number, Precision precision) {
        boolean wide = precision == Precision.DOUBLE;
        double tolerance = wide ? GoldenFile.DOUBLE_TOLERANCE : GoldenFile.FLOAT_TOLERANCE;
        JsonNode expected = file.at("/cases/" + number);
        int batch = expected.get("m").asInt();
        int n = expected.get("d_in").asInt() + 1;
        int m = expected.get("d_out").asInt();
        for (String method : List.of("deflation", "kfac_corrected")) {
            JsonNode factors = expected.at("/methods/" + method + "/factors");
            JsonNode second = expected.at("/methods/" + method + "/factors2");
            Matrix left = Matrix.create(precision, m, m);
            Matrix right = Matrix.create(precision, n, n);
            try (NearestProduct nearest = new NearestProduct(precision, wide ? 1e-13 : 1e-6, 1000)) {
                double singularValue = nearest.findBeside(
                        matrix(precision, batch, n, expected.get("abar")),
                        matrix(precision, batch, m, expected.get("g")),
                        matrix(precision, m, m, factors.get("G")),
                        matrix(precision, n, n, factors.get("A")),
                        left,
                        right);

                double sigma = expected.at(method.equals("deflation") ? "/sigma/1" : "/sigma_corr/0")
                        .asDouble();
                assertThat(singularValue).as(method).isCloseTo(sigma, within(tolerance * sigma));
                // The file's sign is that of a trace of P that is not negative.
                double trace = 0;
                for (int i = 0; i < n; i++) {
                    trace += right.get(i, i);
                }
                left.scale(Math.signum(trace));
                right.scale(Math.signum(trace));
                assertThat(relativeError(right, second.get("P")))
                        .as("P of %s", method)
                        .isLessThan(tolerance);
                assertThat(relativeError(left, second.get("Q")))
                        .as("Q of %s", method)
                        .isLessThan(tolerance);
            }
        }
    }
}
