// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.learner.Example;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.state.Origins;
import io.kronstream.state.UnfitStateException;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.throwable.ThrowableClassifier;
import org.apache.flink.runtime.throwable.ThrowableType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A state that was written under another configuration: refused with every difference, or taken over in part. */
class OtherConfigurationHarnessTest {
    private static final int CUT = 203;
    private static final List<Example> STREAM = TestStreams.examples(0, 400);
    private static final TrainSettings DYKAF = TestStreams.settings(RefreshMode.REMOTE);
    private static final TrainSettings ADAM =
            with(List.of(8), OptimizerSettings.defaults("adam").with(Knobs.LEARNING_RATE, 0.02), 0);

    /** With refreshes outstanding, examples parked and mini-batches open. */
    private static OperatorSubtaskState ofDykaf;

    @BeforeAll
    static void trainWithDykaf() throws Exception {
        try (TrainHarness train = TrainHarness.start(DYKAF, new Outcome(), false)) {
            train.process(STREAM.subList(0, CUT - 120));
            train.answerAll();
            train.process(STREAM.subList(CUT - 120, CUT));
            assertThat(train.requests).isNotEmpty();
            assertThat(train.operator().store().parkedBytes()).isPositive();
            ofDykaf = train.snapshot(1);
        }
    }

    @Test
    void everyDifferenceIsNamedWithOldAndNewValue() throws Exception {
        TrainSettings other = with(List.of(8, 4), OptimizerSettings.defaults("adam"), 0);

        assertThatThrownBy(() -> open(other, false))
                .isInstanceOf(UnfitStateException.class)
                .hasMessageContaining("'model.layers' was [dense: 8, relu], is [dense: 8, relu, dense: 4, relu]")
                .hasMessageContaining("'optimizer.name' was dykaf, is adam")
                .hasMessageContaining("'optimizer.rank-one-second-moment' was false, is not there")
                .hasMessageContaining("'refresh.lag' was above 0, is 0")
                .hasMessageContaining("What may change freely: optimizer.learning-rate, ")
                .hasMessageNotContaining("--weights-only")
                .hasMessageNotContaining("\n")
                .satisfies(failure -> assertThat(ThrowableClassifier.getThrowableType(failure))
                        .as("restarting the job would not help")
                        .isEqualTo(ThrowableType.NonRecoverableError));
    }

    @Test
    void weightsOnlyIsOfferedWhereItWouldHelpAndRefusedWhereNot() {
        assertThatThrownBy(() -> open(ADAM, false)).hasMessageContaining("start with --weights-only");
        assertThatThrownBy(() -> open(with(List.of(8, 4), OptimizerSettings.defaults("adam"), 0), true))
                .hasMessageContaining("'model.layers' was [dense: 8, relu], is [dense: 8, relu, dense: 4, relu]")
                .hasMessageContaining("--weights-only lets the optimizer differ, nothing else");
    }

    @Test
    void whatIsFreeMayChange() throws Exception {
        open(TestStreams.withLearningRate(DYKAF, 0.5), false);
        OptimizerSettings optimizer = OptimizerSettings.defaults("dykaf").with(Knobs.REFRESH_INTERVAL, 7);
        open(with(List.of(8), optimizer, 5), false);
    }

    @Test
    void anotherOptimizerGoesOnWithTheParametersThePositionsAndTheOpenMiniBatches() throws Exception {
        Outcome before = new Outcome();
        try (TrainHarness train = TrainHarness.start(DYKAF, before, false)) {
            train.process(STREAM.subList(0, CUT - 120));
            train.answerAll();
            train.process(STREAM.subList(CUT - 120, CUT));
        }
        Outcome whole = Outcome.ofBareLearners(DYKAF, STREAM);
        Outcome warm = continued(ofDykaf, ADAM);

        for (String model : whole.scores().keySet()) {
            int done = before.scores().getOrDefault(model, List.of()).size();
            List<String> expected = whole.scores()
                    .get(model)
                    .subList(done, whole.scores().get(model).size());
            List<String> actual = warm.scores().get(model);
            assertThat(actual.stream().map(score -> score.split(" ")[0]))
                    .as("examples scored of %s: none lost, none twice", model)
                    .isEqualTo(
                            expected.stream().map(score -> score.split(" ")[0]).toList());
            assertThat(actual.subList(0, TestStreams.BATCH))
                    .as("the first mini-batch of %s is predicted by the parameters of before, at their step", model)
                    .isEqualTo(expected.subList(0, TestStreams.BATCH));
            assertThat(actual).isNotEqualTo(expected);
        }
    }

    @Test
    void modelsThatWereNotTouchedSinceAreTakenOverLater() throws Exception {
        Outcome expected = continued(ofDykaf, ADAM);

        Outcome actual = new Outcome();
        OperatorSubtaskState state = ofDykaf;
        TrainSettings smallCache = TestStreams.withCacheBytes(ADAM, 1);
        boolean weightsOnly = true;
        for (int offset = CUT; offset < STREAM.size(); offset += 3) { // most models stay as dykaf left them for a while
            try (TrainHarness train = new TrainHarness(smallCache, actual, true, 1, 0, weightsOnly)) {
                train.open(state);
                train.process(STREAM.subList(offset, Math.min(offset + 3, STREAM.size())));
                state = train.snapshot(1);
            }
            weightsOnly = false; // the state remembers what it has taken over
        }
        try (TrainHarness train = new TrainHarness(smallCache, actual, true, 1, 0, false)) {
            train.open(state);
            train.endInput();
        }
        assertThat(actual).isEqualTo(expected);
    }

    private static Outcome continued(OperatorSubtaskState state, TrainSettings settings) throws Exception {
        Outcome outcome = new Outcome();
        try (TrainHarness train = new TrainHarness(settings, outcome, true, 1, 0, true)) {
            train.open(state);
            train.runMails();
            train.process(STREAM.subList(CUT, STREAM.size()));
            train.endInput();
        }
        return outcome;
    }

    private static void open(TrainSettings settings, boolean weightsOnly) throws Exception {
        try (TrainHarness train = new TrainHarness(settings, new Outcome(), false, 1, 0, weightsOnly)) {
            train.open(ofDykaf);
            train.runMails();
        }
    }

    private static TrainSettings with(List<Integer> hidden, OptimizerSettings optimizer, int lag) {
        LearnerSettings learner = TestStreams.learner();
        return new TrainSettings(
                new LearnerSettings(
                        learner.schema(),
                        hidden,
                        Activation.RELU,
                        optimizer,
                        learner.batch(),
                        learner.batchInterval(),
                        lag,
                        learner.seed()),
                RefreshMode.REMOTE,
                TestStreams.PUBLISH_EVERY,
                TestStreams.DEADLINE_MILLIS,
                1 << 20,
                1 << 30,
                Origins.topics("examples"),
                TrainSettings.Clock.NONE);
    }
}
