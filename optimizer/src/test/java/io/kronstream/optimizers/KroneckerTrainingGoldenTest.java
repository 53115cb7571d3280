// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static io.kronstream.golden.GoldenFile.numbers;
import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.golden.GoldenFile;
import io.kronstream.golden.TrainingProblem;
import io.kronstream.linalg.Precision;
import io.kronstream.network.Noise;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses, parameters and factors of the K-FAC family, over 20 mini-batches with given samples; double precision only. */
class KroneckerTrainingGoldenTest {

    static List<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (GoldenFile file : GoldenFile.ofSchema("kron-train/1")) {
            for (int run = 0; run < file.at("/runs").size(); run++) {
                cases.add(Arguments.of(
                        file, run, file.at("/runs/" + run + "/method").asText()));
            }
        }
        return cases;
    }

    @ParameterizedTest(name = "{0} {1} {2}")
    @MethodSource("cases")
    void training(GoldenFile file, int number, String method) {
        String name = method.replace('_', '-');
        assumeTrue(Optimizers.names().contains(name), "no optimizer here is " + name);
        JsonNode expected = file.at("/runs/" + number);
        try (TrainingProblem problem = new TrainingProblem(file, Precision.DOUBLE);
                KroneckerRun run = new KroneckerRun(problem, settings(name, expected), Precision.DOUBLE)) {
            for (int batch = 0; batch < problem.batches(); batch++) {
                double loss = run.step(batch, new GivenNoise(numbers(file.at("/fisher_noise/" + batch))));
                assertThat(loss)
                        .as("loss of step %d", batch + 1)
                        .isCloseTo(expected.at("/loss/" + batch).asDouble(), within(GoldenFile.DOUBLE_TOLERANCE));
                JsonNode after = expected.at("/after/" + (batch + 1));
                for (int layer = 0; layer < after.size(); layer++) {
                    assertThat(relativeError(problem.parameters().get(layer), after.get(layer)))
                            .as("layer %d after step %d", layer, batch + 1)
                            .isLessThan(GoldenFile.DOUBLE_TOLERANCE);
                }
            }
            compareFactors(run, expected.get("final_factors"));
        }
    }

    private static OptimizerSettings settings(String name, JsonNode run) {
        boolean sampled = run.get("fisher").asText().equals("sampled");
        OptimizerSettings defaults = OptimizerSettings.defaults(name);
        if (defaults.has(KPSVD.TOLERANCE)) {
            // The file's products come from a full singular value decomposition.
            defaults = defaults.with(KPSVD.TOLERANCE, 1e-13).with(KPSVD.ITERATIONS, 1000);
        }
        return defaults.with(Knobs.LEARNING_RATE, run.get("lr").asDouble())
                .with(KroneckerOptimizer.MOMENTUM, 0.0)
                .with(KroneckerOptimizer.DAMPING, run.get("damping").asDouble())
                .with(
                        KroneckerOptimizer.FISHER,
                        sampled ? KroneckerOptimizer.Fisher.SAMPLED : KroneckerOptimizer.Fisher.EMPIRICAL)
                .with(KroneckerOptimizer.FACTOR_DECAY, run.get("alpha").asDouble())
                .with(KroneckerOptimizer.KL_CLIP, run.get("kl_clip").asDouble())
                .with(KroneckerOptimizer.KL_CLIP_WITH_RATE, run.get("kl_lr2").asBoolean())
                .with(KroneckerOptimizer.STATISTICS_INTERVAL, run.get("T1").asInt())
                .with(Knobs.REFRESH_INTERVAL, run.get("T2").asInt());
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
