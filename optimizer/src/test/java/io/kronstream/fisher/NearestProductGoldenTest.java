// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static io.kronstream.golden.GoldenFile.matrix;
import static io.kronstream.golden.GoldenFile.numbers;
import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.golden.GoldenFile;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The nearest product without forming F, against the leading singular triple of the dense, rearranged F. */
class NearestProductGoldenTest {

    private static final int ITERATIONS = 100_000;

    @TestFactory
    Stream<DynamicTest> nearestProducts() {
        return GoldenFile.tests(
                "kpsvd-static/1",
                file -> file.inBothPrecisions(precision -> {
                    for (int number = 0; number < file.at("/cases").size(); number++) {
                        nearestProduct(file, number, precision);
                        nearestToWhatAnotherLeaves(file, number, precision);
                    }
                }));
    }

    /** Of vectors, which single precision knows the less the closer the next singular value is. */
    private static double tolerance(Precision precision, JsonNode singularValues, int index) {
        if (precision == Precision.DOUBLE) {
            return GoldenFile.DOUBLE_TOLERANCE;
        }
        double[] sigma = numbers(singularValues);
        double gap = Double.POSITIVE_INFINITY;
        for (int i = 0; i < sigma.length; i++) {
            gap = i == index ? gap : Math.min(gap, Math.abs(sigma[i] - sigma[index]));
        }
        return GoldenFile.FLOAT_TOLERANCE * Math.max(1, sigma[0] / gap);
    }

    private static void nearestProduct(GoldenFile file, int number, Precision precision) {
        boolean wide = precision == Precision.DOUBLE;
        double tolerance = wide ? GoldenFile.DOUBLE_TOLERANCE : GoldenFile.FLOAT_TOLERANCE;
        JsonNode expected = file.at("/cases/" + number);
        int batch = expected.get("m").asInt();
        int n = expected.get("d_in").asInt() + 1;
        int m = expected.get("d_out").asInt();
        Matrix left = Matrix.create(precision, m, m);
        Matrix right = Matrix.create(precision, n, n);
        try (NearestProduct nearest = new NearestProduct(precision, wide ? 1e-13 : 1e-6, ITERATIONS)) {
            double singularValue = nearest.find(
                    matrix(precision, batch, n, expected.get("abar")),
                    matrix(precision, batch, m, expected.get("g")),
                    left,
                    right);

            double sigma = expected.at("/sigma/0").asDouble();
            assertThat(singularValue).isCloseTo(sigma, within(tolerance * sigma));
            double ofVectors = tolerance(precision, expected.get("sigma"), 0);
            assertThat(relativeError(right, expected.at("/methods/kpsvd/factors/A")))
                    .isLessThan(ofVectors);
            assertThat(relativeError(left, expected.at("/methods/kpsvd/factors/G")))
                    .isLessThan(ofVectors);
        }
    }

    private static void nearestToWhatAnotherLeaves(GoldenFile file, int number, Precision precision) {
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
            try (NearestProduct nearest = new NearestProduct(precision, wide ? 1e-13 : 1e-6, ITERATIONS)) {
                double singularValue = nearest.findBeside(
                        matrix(precision, batch, n, expected.get("abar")),
                        matrix(precision, batch, m, expected.get("g")),
                        matrix(precision, m, m, factors.get("G")),
                        matrix(precision, n, n, factors.get("A")),
                        left,
                        right);

                boolean deflation = method.equals("deflation");
                double sigma =
                        expected.at(deflation ? "/sigma/1" : "/sigma_corr/0").asDouble();
                double ofVectors =
                        tolerance(precision, expected.get(deflation ? "sigma" : "sigma_corr"), deflation ? 1 : 0);
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
                        .isLessThan(ofVectors);
                assertThat(relativeError(left, second.get("Q")))
                        .as("Q of %s", method)
                        .isLessThan(ofVectors);
            }
        }
    }
}
