// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Arena;
import io.kronstream.network.LayerSpec;
import io.kronstream.network.Pooling;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import io.kronstream.optimizers.RowMethod;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Learners of networks with tables and layer norms: every optimizer, every row-wise method. */
class NetworkLearnerTest {
    private static final int USERS = 20;
    private static final int EXAMPLES = 1200;

    static List<Arguments> optimizersAndMethods() {
        List<Arguments> cases = new ArrayList<>();
        List<String> names = Optimizers.names();
        for (int i = 0; i < names.size(); i++) {
            cases.add(Arguments.of(names.get(i), RowMethod.values()[i % RowMethod.values().length]));
        }
        return cases;
    }

    @ParameterizedTest
    @MethodSource("optimizersAndMethods")
    void everyOptimizerLearnsATableBehindALayerNorm(String optimizer, RowMethod method) {
        LearnerSettings settings = settings(optimizer, method, Objective.AUTO, 0.5);
        List<Score> scores = run(settings, stream()).scores;

        double model = 0;
        double mean = 0;
        for (Score score : scores.subList(3 * EXAMPLES / 4, EXAMPLES)) {
            model += Math.pow(score.prediction() - score.label(), 2);
            mean += Math.pow(score.prior() - score.label(), 2);
        }
        assertThat(model).isLessThan(mean);
    }

    @ParameterizedTest
    @EnumSource(RowMethod.class)
    void resumedRunEqualsUninterruptedRun(RowMethod method) {
        LearnerSettings settings = settings("dykaf", method, Objective.AUTO, 0.5);
        List<Example> stream = stream();
        String expected = run(settings, stream).learner.digest();

        for (int cut : new int[] {1, 333, 501, 800}) {
            LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.WHEN_WAITED_FOR);
            run.feed(stream.subList(0, cut))
                    .restart()
                    .feed(stream.subList(cut, stream.size()))
                    .finish();
            assertThat(run.learner.digest()).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @EnumSource(RowMethod.class)
    void onlyRowsThatAMiniBatchTouchedAreWritten(RowMethod method) {
        LearnerSettings settings = settings("adam", method, Objective.AUTO, 0.5);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE);
        List<Example> stream = stream();
        run.feed(stream.subList(0, settings.batch()));
        Arena arena = run.learner.arena();
        float[] before = new float[(int) arena.packedLength()];
        arena.pack(0, before, 0, before.length);
        arena.clearDirty();

        run.feed(stream.subList(settings.batch(), 2 * settings.batch()));

        float[] after = new float[before.length];
        arena.pack(0, after, 0, after.length);
        int changed = 0;
        for (int i = 0; i < after.length; i++) {
            if (before[i] != after[i]) {
                changed++;
                assertThat(arena.isDirty(i, i + 1)).as("element %d", i).isTrue();
            }
        }
        assertThat(changed).isPositive();
        int dirty = 0;
        for (int i = 0; i < after.length; i++) {
            dirty += arena.isDirty(i, i + 1) ? 1 : 0;
        }
        // The table of tags has 1000 rows, of which a mini-batch touches a few.
        assertThat(dirty).isLessThan(after.length / 2);
    }

    @Test
    void aQuantileLiesAboveItsShareOfTheLabels() {
        LearnerSettings settings = settings("adam", RowMethod.ADAGRAD, Objective.QUANTILE, 0.8);
        List<Score> scores = run(settings, stream()).scores;
        long below = scores.subList(EXAMPLES / 2, EXAMPLES).stream()
                .filter(score -> score.label() < score.prediction())
                .count();
        assertThat(below / (EXAMPLES / 2.0)).isCloseTo(0.8, within(0.1));
    }

    @Test
    void countsArePredictedAsRates() {
        LearnerSettings settings = settings("adam", RowMethod.ADAGRAD, Objective.POISSON, 0.5);
        SplitMix64 random = new SplitMix64(5);
        List<Example> stream = new ArrayList<>();
        for (int i = 0; i < EXAMPLES; i++) {
            int user = random.nextInt(USERS);
            double rate = user % 2 == 0 ? 2 : 10;
            int count = (int) Math.max(0, Math.round(rate + Math.sqrt(rate) * random.nextNormal()));
            stream.add(example(i, user, 0, 1, count));
        }
        double even = 0;
        double odd = 0;
        List<Score> scores = run(settings, stream).scores;
        for (int i = 3 * EXAMPLES / 4; i < EXAMPLES; i++) {
            boolean isEven = stream.get(i).categorical()[0] % 2 == 0;
            double prediction = scores.get(i).prediction() / (EXAMPLES / 8.0);
            even += isEven ? prediction : 0;
            odd += isEven ? 0 : prediction;
        }
        assertThat(even).isCloseTo(2, within(0.6));
        assertThat(odd).isCloseTo(10, within(2.0));
    }

    @Test
    void idsOfNoValueGiveNoGradient() {
        LearnerSettings settings = settings("adam", RowMethod.ADAGRAD, Objective.AUTO, 0.5);
        List<Example> stream = new ArrayList<>();
        for (int i = 0; i < 3 * settings.batch(); i++) {
            stream.add(new Example("m", 0, i, i, new double[] {i % 5}, new int[] {-1, 0}, i % 3));
        }
        LearnerRun run = run(settings, stream);
        assertThat(run.learner.step()).isEqualTo(3);
        assertThat(run.rejected).isEmpty();
    }

    private static LearnerRun run(LearnerSettings settings, List<Example> stream) {
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE)
                .feed(stream)
                .finish();
        assertThat(run.rejected).isEmpty();
        return run;
    }

    private static LearnerSettings settings(String optimizer, RowMethod method, Objective objective, double level) {
        DataSchema schema = DataSchema.builder(List.of("user", "tags", "x", "y"), Task.REGRESSION, "y")
                .numeric(List.of("x"))
                .categorical(
                        List.of(Category.embedded("user", USERS, 4), new Category("tags", 1000, 4, "|", Pooling.MEAN)))
                .products(List.of(List.of("user", "tags")))
                .build();
        OptimizerSettings knobs = OptimizerSettings.defaults(optimizer);
        NetworkSettings network = new NetworkSettings(
                LayerSpec.parse("[dense: 8, layer-norm, gelu, dense: 4, tanh]"),
                objective,
                level,
                method,
                method == RowMethod.ADAGRAD ? 0.1 : method == RowMethod.ADAM ? 0.02 : 1e-3,
                1e-2);
        return new LearnerSettings(schema, network, knobs, 8, 0, LearnerSettings.defaultLag(knobs), 1);
    }

    /** A number per user, one per tag, and noise. */
    private static List<Example> stream() {
        SplitMix64 random = new SplitMix64(3);
        double[] ofUser = normal(random, USERS);
        double[] ofTag = normal(random, 10);
        List<Example> stream = new ArrayList<>();
        for (int i = 0; i < EXAMPLES; i++) {
            int user = random.nextInt(USERS);
            int tag = random.nextInt(10);
            double x = random.nextNormal();
            stream.add(example(i, user, tag, x, 2 * ofUser[user] + ofTag[tag] + x + 0.2 * random.nextNormal()));
        }
        return stream;
    }

    private static Example example(int offset, int user, int tag, double x, double label) {
        return new Example("m", 0, offset, offset, new double[] {x}, new int[] {user, 2, 100 * tag, 7}, label);
    }

    private static double[] normal(SplitMix64 random, int length) {
        double[] numbers = new double[length];
        Arrays.setAll(numbers, i -> random.nextNormal());
        return numbers;
    }
}
