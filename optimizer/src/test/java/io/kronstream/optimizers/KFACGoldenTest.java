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
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Losses, parameters and factors of K-FAC as kfac-pytorch has it, over 20 mini-batches. */
class KFACGoldenTest {

    /** Whether this test is the file's. */
    static boolean takes(GoldenFile file) {
        return file.at("/optimizer").asText().startsWith("kfac");
    }

    @TestFactory
    Stream<DynamicTest> training() {
        return GoldenFile.tests("mlp-train/1", KFACGoldenTest::takes, KFACGoldenTest::compare);
    }

    private static void compare(GoldenFile file) {
        OptimizerSettings settings = settings(file);
        GoldenFields runs = file.fields("/runs");
        runs.passOver("f64", "f32");
        runs.assertAllRead();
        file.inBothPrecisions(precision -> compare(file, settings, precision));
    }

    private static void compare(GoldenFile file, OptimizerSettings settings, Precision precision) {
        JsonNode expected = file.at(precision == Precision.DOUBLE ? "/runs/f64" : "/runs/f32");
        double tolerance = file.tolerance(precision);
        double largestLoss = Arrays.stream(numbers(expected.get("loss")))
                .map(Math::abs)
                .max()
                .orElseThrow();
        try (TrainingProblem problem = new TrainingProblem(file, precision);
                KroneckerRun run = new KroneckerRun(problem, settings, precision)) {
            for (int batch = 0; batch < problem.batches(); batch++) {
                double loss = run.step(batch, null);
                double expectedLoss = expected.at("/loss/" + batch).asDouble();
                assertThat(loss)
                        .as("loss of step %d", batch + 1)
                        .isCloseTo(expectedLoss, within(tolerance * largestLoss));
                compareParameters(problem, expected.at("/after/" + (batch + 1)), tolerance, batch + 1);
                compareFactors(run, expected.at("/state/" + (batch + 1)), tolerance, batch + 1);
            }
        }
    }

    /** What the file's reference was run with. */
    private static OptimizerSettings settings(GoldenFile file) {
        GoldenFields hyper = file.fields("/hyper");
        OptimizerSettings settings = OptimizerSettings.defaults("kfac")
                .with(KFAC.CONVENTION, KFAC.Convention.KFAC_PYTORCH)
                .with(KFAC.FORM, KFAC.Form.valueOf(hyper.text("compute_method").toUpperCase(Locale.ROOT)))
                .with(KroneckerOptimizer.FISHER, KroneckerOptimizer.Fisher.EMPIRICAL)
                .with(Knobs.LEARNING_RATE, hyper.number("lr"))
                .with(KroneckerOptimizer.MOMENTUM, hyper.number("momentum"))
                .with(KroneckerOptimizer.DAMPING, hyper.number("damping"))
                .with(KroneckerOptimizer.FACTOR_DECAY, hyper.number("factor_decay"))
                .with(KroneckerOptimizer.KL_CLIP, hyper.number("kl_clip", 0))
                .with(KroneckerOptimizer.STATISTICS_INTERVAL, hyper.count("factor_update_steps"))
                .with(Knobs.REFRESH_INTERVAL, hyper.count("inv_update_steps"));
        hyper.assertAllRead();
        return settings;
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
