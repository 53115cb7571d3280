// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.network.Activation;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Learners of several classes. */
class ClassificationTest {
    private static final Offset<Double> ROUNDING = within(1e-12);
    private static final int BATCH = 8;

    private static DataSchema schema(List<Integer> lags) {
        return DataSchema.builder(List.of("a", "b", "y"), Task.CLASSIFICATION, "y")
                .classes(List.of("left", "middle", "right"))
                .numeric(List.of("a", "b"))
                .labelLags(lags)
                .build();
    }

    private static LearnerSettings settings(String optimizer) {
        return new LearnerSettings(
                schema(List.of(1)),
                List.of(12),
                Activation.TANH,
                OptimizerSettings.defaults(optimizer).with("learning-rate", "0.01"),
                BATCH,
                0,
                3,
                1);
    }

    /** Three classes by the angle of a point: the middle one is as often as the others together. */
    private static List<Example> stream(int length) {
        SplitMix64 random = new SplitMix64(6);
        List<Example> stream = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            double[] x = {random.nextNormal(), random.nextNormal()};
            double label = x[0] + x[1] < -0.95 ? 0 : x[0] + x[1] > 0.95 ? 2 : 1;
            stream.add(new Example("m", 0, i, 1000L * i, x, new int[0], label));
        }
        return stream;
    }

    static List<String> optimizers() {
        return Optimizers.names();
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void everyOptimizerLearnsAndSurvivesARestart(String optimizer) {
        LearnerSettings settings = LearnerTest.settings(schema(List.of(1)), optimizer, 3);
        List<Example> stream = stream(1500);
        LearnerRun expected = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE)
                .feed(stream)
                .finish();
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.WHEN_WAITED_FOR);
        run.feed(stream.subList(0, 1021))
                .restart()
                .feed(stream.subList(1021, stream.size()))
                .finish();
        assertThat(run.scores).isEqualTo(expected.scores);
        assertThat(run.learner.header()).isEqualTo(expected.learner.header());
        assertThat(run.learner.digest()).isEqualTo(expected.learner.digest());
        assertThat(loss(expected.scores.subList(750, 1500)))
                .isLessThan(expected.scores.subList(750, 1500).stream()
                        .mapToDouble(score -> -Math.log(score.prior()))
                        .sum());
    }

    private static double loss(List<Score> scores) {
        return scores.stream()
                .mapToDouble(score -> -Math.log(score.prediction()))
                .sum();
    }

    @Test
    void answersAreTheMostProbableClasses() {
        List<Example> stream = stream(2000);
        List<Score> scores = new LearnerRun(settings("soap"), LearnerRun.Answers.AT_ONCE)
                .feed(stream)
                .finish()
                .scores;
        int right = 0;
        for (int i = 1000; i < 2000; i++) {
            Score score = scores.get(i);
            assertThat(score.label()).isEqualTo(stream.get(i).label());
            assertThat(score.answers().noChange())
                    .isEqualTo((int) stream.get(i - 1).label());
            assertThat(score.answers().prior()).isEqualTo(1);
            right += score.answers().model() == (int) score.label() ? 1 : 0;
        }
        assertThat(right).isGreaterThan(900);
    }

    @Test
    void aPublishedVersionGivesTheProbabilitiesOfTheLearner() {
        LearnerSettings settings = settings("kfac");
        List<Example> stream = stream(50 * BATCH);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE);
        for (int from = 0; from + 2 * BATCH <= stream.size(); from += 2 * BATCH) {
            run.feed(stream.subList(from, from + BATCH));
            List<Example> next = stream.subList(from + BATCH, from + 2 * BATCH);
            try (ServedModel served = new ServedModel(
                    settings, run.learner.publish().orElseThrow().payload())) {
                double[] first = served.probabilities(next)[0];
                double answer = served.predict(next)[0];
                run.feed(next);
                Score score = run.scores.get(from + BATCH);
                assertThat(first[(int) score.label()]).isEqualTo(score.prediction());
                assertThat(answer).isEqualTo(score.answers().model());
                assertThat(Arrays.stream(first).sum()).isCloseTo(1, ROUNDING);
            }
        }
    }

    @Test
    void aModelOfNumbersHasNoProbabilitiesOfClasses() {
        LearnerSettings settings =
                LearnerSettings.defaults(LearnerRun.binarySchema(), OptimizerSettings.defaults("adam"));
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE).feed(LearnerRun.binaryStream(64));
        try (ServedModel served =
                new ServedModel(settings, run.learner.publish().orElseThrow().payload())) {
            assertThatThrownBy(() -> served.probabilities(LearnerRun.binaryStream(1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("The model predicts no classes");
        }
    }

    @Test
    void naiveClassesCountByTheRuleOfSuccession() {
        NaiveClasses naive = new NaiveClasses(3);
        assertThat(naive.noChange(1)).isEqualTo(1 / 3.0);
        assertThat(naive.prior(1)).isEqualTo(1 / 3.0);
        for (int label : new int[] {2, 2, 1}) {
            naive.add(label);
        }
        assertThat(naive.before()).isEqualTo(1);
        assertThat(naive.majority()).isEqualTo(2);
        assertThat(naive.prior(2)).isEqualTo(3 / 6.0);
        assertThat(naive.noChange(1)).isEqualTo(2 / 4.0); // it stayed once of twice
        assertThat(naive.noChange(0)).isEqualTo((1 - 2 / 4.0) / 2);
    }

    @Test
    void earlierClassesAreOneInputEach() {
        Features features = new Features(schema(List.of(1, 2)));
        double[] none = {0, 0};
        features.add(new Example("m", 0, 0, 0, none, new int[0], 2));
        features.add(new Example("m", 0, 1, 0, none, new int[0], 1));
        assertThat(features.add(new Example("m", 0, 2, 0, none, new int[0], 0)).inputs)
                .containsExactly(0, 0, 0, 1, 0, 0, 0, 1);
    }

    @Test
    void classesAndTaskBelongTogether() {
        assertThat(DataSchema.builder(List.of("a", "y"), Task.CLASSIFICATION, "y")
                        .numeric(List.of("a"))
                        .classes(List.of("x"))
                        .build()
                        .problems())
                .containsExactly(
                        "'classes' must name 2 to 10000 values of the label, or say how many there are, was 1");
        assertThat(DataSchema.builder(List.of("a", "y"), Task.CLASSIFICATION, "y")
                        .numeric(List.of("a"))
                        .classes(List.of("x", "x"))
                        .build()
                        .problems())
                .containsExactly("'classes' names a value twice");
        assertThat(DataSchema.builder(List.of("a", "y"), Task.BINARY, "y")
                        .numeric(List.of("a"))
                        .classes(List.of("x", "z"))
                        .build()
                        .problems())
                .containsExactly("'classes' needs 'task: classification'");
    }
}
