// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.network.Activation;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class LearnerTest {

    static LearnerSettings settings(DataSchema schema, String optimizer, int lag) {
        OptimizerSettings knobs = OptimizerSettings.defaults(optimizer);
        if (knobs.has(Knobs.REFRESH_INTERVAL)) {
            knobs = knobs.with(Knobs.REFRESH_INTERVAL, 4);
        }
        return new LearnerSettings(schema, List.of(8, 4), Activation.RELU, knobs, 8, 0, lag, 1);
    }

    static Stream<Arguments> optimizersAndLags() {
        return Optimizers.names().stream().flatMap(name -> Stream.of(0, 1, 3, 4).map(lag -> Arguments.of(name, lag)));
    }

    @ParameterizedTest
    @MethodSource("optimizersAndLags")
    void restartedLearnerEqualsUninterruptedOne(String optimizer, int lag) {
        LearnerSettings settings = settings(LearnerRun.binarySchema(), optimizer, lag);
        List<Example> stream = LearnerRun.binaryStream(403);
        LearnerRun expected = new LearnerRun(settings, LearnerRun.Answers.WHEN_WAITED_FOR)
                .feed(stream)
                .finish();

        for (int cut : new int[] {1, 8, 37, 40, 41, 163, 203, 400}) {
            LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.WHEN_WAITED_FOR);
            run.feed(stream.subList(0, cut))
                    .restart()
                    .feed(stream.subList(cut, stream.size()))
                    .finish();
            assertThat(run.scores).isEqualTo(expected.scores);
            assertThat(run.learner.digest()).isEqualTo(expected.learner.digest());
            assertThat(run.learner.header()).isEqualTo(expected.learner.header());
        }
    }

    @ParameterizedTest
    @MethodSource("optimizersAndLags")
    void timingOfAnswersChangesNothing(String optimizer, int lag) {
        LearnerSettings settings = settings(LearnerRun.binarySchema(), optimizer, lag);
        List<Example> stream = LearnerRun.binaryStream(500);
        LearnerRun expected = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE)
                .feed(stream)
                .finish();

        for (LearnerRun.Answers answers : LearnerRun.Answers.values()) {
            LearnerRun run = new LearnerRun(settings, answers).feed(stream).finish();
            assertThat(run.scores).isEqualTo(expected.scores);
            assertThat(run.learner.digest()).isEqualTo(expected.learner.digest());
            assertThat(run.requests).isEqualTo(expected.requests);
        }
    }

    @Test
    void restartedForecastEqualsUninterruptedOne() {
        LearnerSettings settings = settings(LearnerRun.forecastSchema(12, 10), "dykaf", 3);
        List<Example> stream = LearnerRun.seriesStream(300);
        LearnerRun expected = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE)
                .feed(stream)
                .finish();
        assertThat(expected.scores).hasSize(300 - 11 - 10);

        for (int cut = 1; cut < 300; cut += 7) {
            LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.WHEN_WAITED_FOR);
            run.feed(stream.subList(0, cut))
                    .restart()
                    .feed(stream.subList(cut, stream.size()))
                    .finish();
            assertThat(run.scores).isEqualTo(expected.scores);
            assertThat(run.learner.digest()).isEqualTo(expected.learner.digest());
        }
    }

    @Test
    void forecastUsesNoLabelFromAfterItsMiniBatch() {
        LearnerSettings settings = settings(LearnerRun.forecastSchema(12, 10), "adam", 0);
        List<Example> stream = LearnerRun.seriesStream(300);
        // the first origin is record 11; mini-batches of 8 origins close at records 18, 26, ..., 154
        int known = 154;
        List<Example> other = new ArrayList<>(stream.subList(0, known + 1));
        for (Example example : stream.subList(known + 1, stream.size())) {
            other.add(new Example(
                    "m", 0, example.offset(), example.timestamp(), new double[0], new int[0], -example.label()));
        }
        List<Score> one = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE)
                .feed(stream)
                .finish()
                .scores;
        List<Score> two =
                new LearnerRun(settings, LearnerRun.Answers.AT_ONCE).feed(other).finish().scores;

        for (int i = 0; one.get(i).offset() <= known; i++) {
            assertThat(two.get(i).prediction()).isEqualTo(one.get(i).prediction());
        }
        assertThat(two).isNotEqualTo(one);
    }

    @Test
    void forecastsAreNotMadeByParametersThatSawLaterLabels() {
        int horizon = 10;
        LearnerSettings settings = settings(LearnerRun.forecastSchema(12, horizon), "adam", 0);
        List<Score> scores = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE)
                .feed(LearnerRun.seriesStream(300))
                .finish()
                .scores;
        for (Score score : scores) {
            // after s steps of 8 origins, the last label learned is that of origin 11 + 8 s - 1, known 10 records later
            long lastLabel = 11 + 8 * score.step() - 1 + horizon;
            assertThat(score.step() == 0 || lastLabel <= score.offset() + 8).isTrue();
            long firstOfBatch = score.offset() - (score.offset() - 11) % 8;
            assertThat(score.step() == 0 || lastLabel < firstOfBatch).isTrue();
        }
    }

    @Test
    void miniBatchesCloseByTheExamplesOwnTime() {
        LearnerSettings settings = new LearnerSettings(
                LearnerRun.binarySchema(),
                List.of(4),
                Activation.TANH,
                OptimizerSettings.defaults("adam"),
                8,
                3000,
                0,
                1);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE).feed(LearnerRun.binaryStream(10));
        assertThat(run.learner.step()).isEqualTo(3); // one example a second: three to a mini-batch
        assertThat(run.scores).hasSize(9);
    }

    @Test
    void answersNobodyWaitsForAreRefused() {
        LearnerSettings settings = settings(LearnerRun.binarySchema(), "dykaf", 3);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.WHEN_WAITED_FOR);
        List<Example> stream = LearnerRun.binaryStream(400);
        int fed = 0;
        while (run.learner.outstanding().isEmpty()) {
            run.feed(stream.subList(fed, ++fed));
        }
        RefreshAnswer answer =
                new RefreshWorker().compute(run.learner.outstanding().get(0));

        assertThat(run.learner.answer(with(answer, "other", answer.version(), answer.fingerprint())))
                .isFalse();
        assertThat(run.learner.answer(with(answer, "m", answer.version() + 1, answer.fingerprint())))
                .isFalse();
        assertThat(run.learner.answer(with(answer, "m", answer.version(), "foreign")))
                .isFalse();
        assertThat(run.learner.answer(answer)).isTrue();
        assertThat(run.learner.answer(answer)).isFalse();
    }

    private static RefreshAnswer with(RefreshAnswer answer, String model, long version, String fingerprint) {
        return new RefreshAnswer(
                model,
                answer.layer(),
                answer.side(),
                version,
                answer.configuration(),
                fingerprint,
                answer.succeeded(),
                answer.size(),
                answer.matrix(),
                answer.eigenvalues(),
                answer.permutation());
    }

    @Test
    void nothingChangesBetweenTheLastStepAndTheEnd() {
        LearnerSettings settings = settings(LearnerRun.forecastSchema(12, 10), "dykaf", 4);
        for (int length = 200; length < 240; length++) {
            LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.WHEN_WAITED_FOR)
                    .feed(LearnerRun.seriesStream(length))
                    .finish();
            assertThat(run.learner.digest()).isEqualTo(run.digestOfLastStep);
        }
    }

    @Test
    void publishesOnceForEachStepAtMost() {
        LearnerSettings settings = settings(LearnerRun.binarySchema(), "adam", 0);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE);
        assertThat(run.learner.publish()).isEmpty();
        run.feed(LearnerRun.binaryStream(8));

        PublishedModel model = run.learner.publish().orElseThrow();
        assertThat(model.version()).isEqualTo(1);
        assertThat(model.step()).isEqualTo(1);
        assertThat(model.trainedThrough()).containsEntry(0, 7L);
        assertThat(model.modelDigest()).isEqualTo(run.learner.digest());
        assertThat(run.learner.publish()).isEmpty();
    }

    @Test
    void stateOfAnotherNetworkIsRefused() {
        LearnerRun run = new LearnerRun(settings(LearnerRun.binarySchema(), "adam", 0), LearnerRun.Answers.AT_ONCE);
        byte[] header = run.learner.header();
        LearnerSettings other = settings(LearnerRun.binarySchema(), "dykaf", 0);
        assertThatThrownBy(() -> new LearnerFactory(other).restore("m", header)).hasMessageContaining("configuration");
        header[0] = 9;
        assertThatThrownBy(() -> new LearnerFactory(other).restore("m", header))
                .hasMessageContaining("layout 9")
                .hasMessageContaining("newer than this job's 3");
    }

    @Test
    void modelsOfOneSeedDiffer() {
        LearnerFactory factory = new LearnerFactory(settings(LearnerRun.binarySchema(), "adam", 0));
        assertThat(factory.create("a").digest()).isEqualTo(factory.create("a").digest());
        assertThat(factory.create("a").digest())
                .isNotEqualTo(factory.create("b").digest());
    }

    @Test
    void learnsSomething() {
        LearnerSettings settings = settings(LearnerRun.binarySchema(), "dykaf", 4);
        List<Score> scores =
                new LearnerRun(settings, LearnerRun.Answers.AT_ONCE).feed(LearnerRun.binaryStream(8000)).scores;
        long right = scores.subList(6000, 8000).stream()
                .filter(score -> (score.prediction() > 0.5) == (score.label() == 1))
                .count();
        assertThat(right / 2000.0).isBetween(0.85, 0.95); // one label in ten is flipped
    }
}
