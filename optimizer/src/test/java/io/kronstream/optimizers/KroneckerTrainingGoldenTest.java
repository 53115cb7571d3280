// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static io.kronstream.golden.GoldenFile.numbers;
import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.golden.GoldenFields;
import io.kronstream.golden.GoldenFile;
import io.kronstream.golden.TrainingProblem;
import io.kronstream.linalg.Precision;
import io.kronstream.network.Noise;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Losses, parameters and factors of the K-FAC family, over 20 mini-batches with given samples; double precision only. */
class KroneckerTrainingGoldenTest {

    @TestFactory
    Stream<DynamicTest> training() {
        return GoldenFile.tests("kron-train/1", KroneckerTrainingGoldenTest::compare);
    }

    private static void compare(GoldenFile file) {
        Assertions.assertAll(
                file.name(),
                IntStream.range(0, file.at("/runs").size()).mapToObj(number -> () -> compare(file, number)));
    }

    private static void compare(GoldenFile file, int number) {
        GoldenFields fields = file.fields("/runs/" + number);
        OptimizerSettings settings = settings(fields);
        // The last two follow from what is compared.
        fields.passOver("loss", "after", "final_factors", "nu", "min_denominator");
        fields.assertAllRead();
        JsonNode expected = file.at("/runs/" + number);
        try (TrainingProblem problem = new TrainingProblem(file, Precision.DOUBLE);
                KroneckerRun run = new KroneckerRun(problem, settings, Precision.DOUBLE)) {
            for (int batch = 0; batch < problem.batches(); batch++) {
                double loss = run.step(batch, new GivenNoise(numbers(file.at("/fisher_noise/" + batch))));
                double expectedLoss = expected.at("/loss/" + batch).asDouble();
                assertThat(loss)
                        .as("loss of step %d, run %d, %s", batch + 1, number, settings)
                        .isCloseTo(expectedLoss, within(GoldenFile.DOUBLE_TOLERANCE * Math.max(1, expectedLoss)));
                JsonNode after = expected.at("/after/" + (batch + 1));
                for (int layer = 0; layer < after.size(); layer++) {
                    assertThat(relativeError(problem.parameters().get(layer), after.get(layer)))
                            .as("layer %d after step %d, run %d, %s", layer, batch + 1, number, settings)
                            .isLessThan(GoldenFile.DOUBLE_TOLERANCE);
                }
            }
            compareFactors(run, expected.get("final_factors"));
        }
    }

    private static OptimizerSettings settings(GoldenFields run) {
        OptimizerSettings settings =
                OptimizerSettings.defaults(run.text("method").replace('_', '-'));
        // The file's products come from a full singular value decomposition.
        if (settings.has(KPSVD.TOLERANCE)) {
            settings = settings.with(KPSVD.TOLERANCE, 1e-13);
        }
        if (settings.has(KPSVD.ITERATIONS)) {
            settings = settings.with(KPSVD.ITERATIONS, 100_000);
        }
        if (settings.has(Lanczos.STEPS)) {
            settings = settings.with(Lanczos.STEPS, 12).with(Lanczos.CYCLES, 1000);
        }
        if (run.has("denominator_floor")) {
            settings = settings.with(TwoProductOptimizer.DENOMINATOR_FLOOR, run.number("denominator_floor"));
        }
        return settings.with(Knobs.LEARNING_RATE, run.number("lr"))
                .with(KroneckerOptimizer.MOMENTUM, run.number("momentum", 0))
                .with(KroneckerOptimizer.DAMPING, run.number("damping"))
                .with(
                        KroneckerOptimizer.FISHER,
                        KroneckerOptimizer.Fisher.valueOf(run.text("fisher").toUpperCase(Locale.ROOT)))
                .with(KroneckerOptimizer.FACTOR_DECAY, run.number("alpha"))
                .with(KroneckerOptimizer.KL_CLIP, run.number("kl_clip", 0))
                .with(KroneckerOptimizer.KL_CLIP_WITH_RATE, run.flag("kl_lr2"))
                .with(KroneckerOptimizer.STATISTICS_INTERVAL, run.count("T1"))
                .with(Knobs.REFRESH_INTERVAL, run.count("T2"));
    }

    /** The file lists A, G and, for two terms, P, Q of each layer. */
    private static void compareFactors(KroneckerRun run, JsonNode expected) {
        List<String> tensors = List.of("right", "left", "rightSecond", "leftSecond");
        for (int layer = 0; layer < expected.size(); layer++) {
            for (int factor = 0; factor < expected.get(layer).size(); factor++) {
                String tensor = tensors.get(factor);
                assertThat(relativeError(
                                run.layers.get(layer).tensor(tensor),
                                expected.get(layer).get(factor)))
                        .as("%s of layer %d", tensor, layer)
                        .isLessThan(GoldenFile.DOUBLE_TOLERANCE);
            }
        }
    }

    /** The numbers of the file, in its order, whatever their distribution. */
    private static final class GivenNoise implements Noise {
        private final double[] numbers;
        private int next;

        GivenNoise(double[] numbers) {
            this.numbers = numbers;
        }

        @Override
        public double nextDouble() {
            return numbers[next++];
        }

        @Override
        public double nextNormal() {
            return numbers[next++];
        }
    }
}
