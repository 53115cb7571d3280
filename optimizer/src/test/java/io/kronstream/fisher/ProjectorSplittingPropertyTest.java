// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ProjectorSplittingPropertyTest {
    /** Smallest eigenvalue over largest: rounding of a sum, some units in the last place. */
    private static final double FLOAT_ROUNDING = 1e-6;

    private static final double DOUBLE_ROUNDING = 1e-14;

    static Stream<Arguments> forms() {
        return Stream.of(Precision.values()).flatMap(precision -> Stream.of(
                        ProjectorSplitting.sequential(precision),
                        ProjectorSplitting.sequentialOldLeft(precision),
                        ProjectorSplitting.parallel(precision))
                .map(splitting -> Arguments.of(precision, splitting)));
    }

    @ParameterizedTest
    @MethodSource("forms")
    void factorsStayPositiveSemidefiniteForTenThousandSteps(Precision precision, ProjectorSplitting splitting) {
        Random random = new Random(1);
        Matrix left = Matrix.create(precision, 5, 5);
        Matrix right = Matrix.create(precision, 4, 4);
        left.setIdentity(1e-3);
        right.setIdentity(1e-3);
        double rounding = precision == Precision.FLOAT ? FLOAT_ROUNDING : DOUBLE_ROUNDING;
        for (int step = 1; step <= 10_000; step++) {
            // Rank one now and then, and of changing size.
            Matrix gradient = Samples.normal(precision, 5, 4, Math.exp(random.nextGaussian()), random);
            if (step % 3 == 0) {
                for (int j = 0; j < 4; j++) {
                    for (int i = 1; i < 5; i++) {
                        gradient.set(i, j, gradient.get(0, j) * i);
                    }
                }
            }
            splitting.follow(left, right, new LayerGradient(gradient), 0.95);
            if (step % 100 == 0) {
                assertPositiveSemidefinite(left, rounding);
                assertPositiveSemidefinite(right, rounding);
                assertThat(left.norm() / right.norm()).isBetween(0.999, 1.001);
            }
        }
    }

    @Property(tries = 20)
    void onlyTheProductOfTheFactorsMatters(
            @ForAll @IntRange(min = 1, max = 6) int m,
            @ForAll @IntRange(min = 1, max = 6) int n,
            @ForAll @IntRange(min = 0, max = 2) int form,
            @ForAll long seed) {
        Function<Precision, ProjectorSplitting> create =
                switch (form) {
                    case 0 -> ProjectorSplitting::sequential;
                    case 1 -> ProjectorSplitting::sequentialOldLeft;
                    default -> ProjectorSplitting::parallel;
                };
        Random random = new Random(seed);
        Matrix left = Matrix.create(Precision.DOUBLE, m, m);
        Matrix right = Matrix.create(Precision.DOUBLE, n, n);
        left.addGram(1, Samples.normal(Precision.DOUBLE, m, m, 1, random), false, 0);
        right.addGram(1, Samples.normal(Precision.DOUBLE, n, n, 1, random), false, 0);
        Matrix scaledLeft = Samples.as(Precision.DOUBLE, left);
        Matrix scaledRight = Samples.as(Precision.DOUBLE, right);
        scaledLeft.scale(1000);
        scaledRight.scale(1e-3);
        Matrix gradient = Samples.normal(Precision.DOUBLE, m, n, 1, random);

        try (ProjectorSplitting splitting = create.apply(Precision.DOUBLE)) {
            splitting.follow(left, right, new LayerGradient(gradient), 0.9);
            splitting.follow(scaledLeft, scaledRight, new LayerGradient(gradient), 0.9);
        }

        assertThat(Samples.relativeError(scaledLeft, left)).isLessThan(1e-12);
        assertThat(Samples.relativeError(scaledRight, right)).isLessThan(1e-12);
    }

    private static void assertPositiveSemidefinite(Matrix factor, double rounding) {
        double[] eigenvalues = new double[factor.rows()];
        Samples.as(Precision.DOUBLE, factor).eigenvectors(eigenvalues);
        assertThat(eigenvalues[eigenvalues.length - 1]).isGreaterThan(-rounding * eigenvalues[0]);
    }
}
