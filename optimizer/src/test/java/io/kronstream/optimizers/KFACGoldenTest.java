// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.golden.GoldenFile;
import io.kronstream.golden.TrainingProblem;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses, parameters and factors of K-FAC as kfac-pytorch has it, over 20 mini-batches. */
class KFACGoldenTest {

    static Stream<Arguments> cases() {
        return GoldenFile.ofSchema("mlp-train/1").stream()
                .filter(file -> file.at("/optimizer").asText().startsWith("kfac_"))
                .flatMap(file -> Arrays.stream(Precision.values()).map(precision -> Arguments.of(file, precision)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void training(GoldenFile file, Precision precision) {
        OptimizerSettings settings = settings(file);
        JsonNode expected = file.at(precision == Precision.DOUBLE ? "/runs/f64" : "/runs/f32");
        double tolerance = precision == Precision.DOUBLE
                ? GoldenFile.DOUBLE_TOLERANCE
                : Math.max(
                        GoldenFile.FLOAT_TOLERANCE,
                        GoldenFile.FLOAT_SPREAD * file.at("/f32_vs_f64_max_rel").asDouble());
        try (TrainingProblem problem = new TrainingProblem(file, precision);
                KroneckerRun run = new KroneckerRun(problem, settings, precision)) {
            for (int batch = 0; batch < problem.batches(); batch++) {
                double loss = run.step(batch, null);
                double expectedLoss = expected.at("/loss/" + batch).asDouble();
                assertThat(loss)
                        .as("loss of step %d", batch + 1)
                        .isCloseTo(expectedLoss, within(tolerance * expectedLoss));
                compareParameters(problem, expected.at("/after/" + (batch + 1)), tolerance, batch + 1);
                compareFactors(run, expected.at("/state/" + (batch + 1)), tolerance, batch + 1);
            }
        }
    }

    /** What the file's reference was run with. */
    private static OptimizerSettings settings(GoldenFile file) {
        JsonNode hyper = file.at("/hyper");
        return OptimizerSettings.defaults("kfac")
                .with(KFAC.CONVENTION, KFAC.Convention.KFAC_PYTORCH)
                .with(
                        KFAC.FORM,
                        KFAC.Form.valueOf(hyper.get("compute_method").asText().toUpperCase(Locale.ROOT)))
                .with(KroneckerOptimizer.FISHER, KroneckerOptimizer.Fisher.EMPIRICAL)
                .with(Knobs.LEARNING_RATE, hyper.get("lr").asDouble())
                .with(KroneckerOptimizer.MOMENTUM, hyper.get("momentum").asDouble())
                .with(KroneckerOptimizer.DAMPING, hyper.get("damping").asDouble())
                .with(KroneckerOptimizer.FACTOR_DECAY, hyper.get("factor_decay").asDouble())
                .with(KroneckerOptimizer.KL_CLIP, hyper.get("kl_clip").asDouble())
                .with(
                        KroneckerOptimizer.STATISTICS_INTERVAL,
                        hyper.get("factor_update_steps").asInt())
                .with(Knobs.REFRESH_INTERVAL, hyper.get("inv_update_steps").asInt());
    }

    /** The file lists W1, b1, W2, b2, ... */
    private static void compareParameters(TrainingProblem problem, JsonNode expected, double tolerance, int step) {
        if (expected.isMissingNode()) {
            return;
        }
        for (int layer = 0; layer < problem.parameters().size(); layer++) {
            Matrix actual = problem.parameters().get(layer);
            Matrix augmented = TrainingProblem.augmented(
                    actual.precision(),
                    actual.rows(),
                    actual.columns(),
                    expected.get(2 * layer),
                    expected.get(2 * layer + 1));
            assertThat(Samples.relativeError(actual, augmented))
                    .as("parameters of layer %d after step %d", layer, step)
                    .isLessThan(tolerance);
        }
    }

    private static void compareFactors(KroneckerRun run, JsonNode expected, double tolerance, int step) {
        if (expected.isMissingNode()) {
            return;
        }
        for (int layer = 0; layer < run.layers.size(); layer++) {
            LayerState state = run.layers.get(layer);
            assertThat(relativeError(state.tensor("right"), expected.at("/A/" + layer)))
                    .as("A of layer %d after step %d", layer, step)
                    .isLessThan(tolerance);
            assertThat(relativeError(state.tensor("left"), expected.at("/G/" + layer)))
                    .as("G of layer %d after step %d", layer, step)
                    .isLessThan(tolerance);
        }
    }
}
