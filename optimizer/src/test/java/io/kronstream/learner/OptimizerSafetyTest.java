// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.OptimizerTable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What every optimizer of the table promises to a model that learns from a stream; the network has a single output unit. */
class OptimizerSafetyTest {
    private static final int BATCH = 8;

    static Stream<Arguments> table() {
        return OptimizerTable.all().map(settings -> Arguments.of(Named.of(settings.toString(), settings)));
    }

    @ParameterizedTest
    @MethodSource("table")
    void featuresAndLabelsThatNeverVary(OptimizerSettings optimizer) {
        List<Example> stream = new ArrayList<>();
        for (int i = 0; i < 50 * BATCH; i++) {
            stream.add(new Example("m", 0, i, 1000L * i, new double[] {3, 3, 3}, new int[0], 1));
        }
        LearnerRun run = new LearnerRun(settings(LearnerRun.binarySchema(), optimizer, 0), LearnerRun.Answers.AT_ONCE)
                .feed(stream)
                .finish();

        assertThat(run.rejected).isEmpty();
        assertFinite(run.learner);
        double first = run.scores.get(0).prediction();
        double last = run.scores.get(run.scores.size() - 1).prediction();
        assertThat(last).isGreaterThan(first).isLessThanOrEqualTo(1);
    }

    @ParameterizedTest
    @MethodSource("table")
    void whatIsNotFiniteChangesNothingAndSaysWhy(OptimizerSettings optimizer) {
        for (double size : new double[] {1e30, 3e38}) {
            whatIsNotFiniteChangesNothingAndSaysWhy(optimizer, size);
        }
    }

    /** Weights of this size behind a layer give it derivatives of this size. */
    private static void whatIsNotFiniteChangesNothingAndSaysWhy(OptimizerSettings optimizer, double size) {
        LearnerSettings settings = settings(LearnerRun.binarySchema(), optimizer, 0, 1000);
        List<Example> stream = LearnerRun.binaryStream(21 * BATCH);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE).feed(stream.subList(0, 10 * BATCH));
        Matrix weights = run.learner.arena().tensor("layer2.weights");
        Matrix kept = Samples.as(Precision.FLOAT, weights);
        weights.fill(size);
        String before = run.learner.digest();
        run.feed(stream.subList(10 * BATCH, 11 * BATCH));

        assertThat(run.rejected).hasSize(1);
        assertThat(run.rejected.get(0).reason()).contains("not finite");
        assertThat(run.learner.digest()).isEqualTo(before);
        assertThat(run.learner.step()).isEqualTo(10);

        weights.copyFrom(kept);
        run.feed(stream.subList(11 * BATCH, 21 * BATCH));
        assertThat(run.rejected).hasSize(1);
        assertThat(run.learner.step()).isEqualTo(20);
        assertFinite(run.learner);
    }

    @ParameterizedTest
    @MethodSource("table")
    void whatIsLearnedDependsOnTheStreamAlone(OptimizerSettings optimizer) {
        List<Example> stream = LearnerRun.binaryStream(60 * BATCH);
        for (int lag : new int[] {0, 3}) {
            LearnerSettings settings = settings(LearnerRun.binarySchema(), optimizer, lag);
            LearnerRun one = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE)
                    .feed(stream)
                    .finish();
            LearnerRun two = new LearnerRun(settings, LearnerRun.Answers.OUT_OF_ORDER);
            two.feed(stream.subList(0, 203)).restart().feed(stream.subList(203, stream.size()));
            two.finish();

            assertThat(two.learner.digest()).isEqualTo(one.learner.digest());
            assertThat(two.scores).isEqualTo(one.scores);
            assertFinite(one.learner);
        }
    }

    private static LearnerSettings settings(DataSchema schema, OptimizerSettings optimizer, int lag) {
        return settings(schema, optimizer, lag, 5);
    }

    private static LearnerSettings settings(DataSchema schema, OptimizerSettings optimizer, int lag, int interval) {
        boolean refreshes = optimizer.has(Knobs.REFRESH_INTERVAL);
        OptimizerSettings refreshed = refreshes ? optimizer.with(Knobs.REFRESH_INTERVAL, interval) : optimizer;
        return new LearnerSettings(schema, List.of(5, 3), Activation.TANH, refreshed, BATCH, 0, refreshes ? lag : 0, 1);
    }

    private static void assertFinite(Learner learner) {
        for (TensorSpec tensor : learner.arena().tensors()) {
            assertThat(learner.arena().tensor(tensor.name()).squaredNorm())
                    .as(tensor.name())
                    .isFinite();
        }
    }
}
