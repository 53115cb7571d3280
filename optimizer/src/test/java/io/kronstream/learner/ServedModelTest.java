// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.network.Activation;
import io.kronstream.optimizers.OptimizerSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ServedModelTest {
    private static final int BATCH = 8;
    /** A row alone goes through other BLAS kernels than a row in a batch: some units in the last place of a float. */
    private static final Offset<Double> ROW_ALONE = Offset.offset(1e-5);

    static List<DataSchema> schemas() {
        List<String> columns = List.of("a", "b", "c", "hour", "y");
        DataSchema binary = DataSchema.builder(columns, Task.BINARY, "y")
                .numeric(List.of("a", "b"))
                .categorical(List.of(Category.oneHot("c", 4)))
                .labelLags(List.of(1, 3))
                .time("hour")
                .build();
        DataSchema regression = DataSchema.builder(columns, Task.REGRESSION, "y")
                .numeric(List.of("a", "b"))
                .categorical(List.of(Category.oneHot("c", 4)))
                .build();
        return List.of(binary, regression);
    }

    /**
     * The first record of a mini-batch is predicted by the job from the parameters and the statistics of the last version: the
     * version itself gives the very same bits in a batch of as many rows, and nearly the same alone.
     */
    @ParameterizedTest
    @MethodSource("schemas")
    void predictsWhatTheLearnerPredictedNext(DataSchema schema) {
        LearnerSettings settings = new LearnerSettings(
                schema, List.of(16, 8), Activation.TANH, OptimizerSettings.defaults("adam"), BATCH, 0, 0, 7);
        List<Example> examples = examples(30 * BATCH);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE);
        for (int batch = 0; batch < 28; batch += 2) {
            run.feed(examples.subList(batch * BATCH, (batch + 1) * BATCH));
            PublishedModel version = run.learner.publish().orElseThrow();
            List<Example> next = examples.subList((batch + 1) * BATCH, (batch + 2) * BATCH);

            try (ServedModel served = new ServedModel(settings, version.payload())) {
                double together = served.predict(next)[0];
                double alone = served.predict(next.get(0));

                run.feed(next);
                Score score = run.scores.get((batch + 1) * BATCH);
                assertThat(score.step()).isEqualTo(version.step());
                assertThat(together).isEqualTo(score.prediction());
                assertThat(alone).isCloseTo(together, ROW_ALONE);
            }
        }
    }

    @Test
    void aForecastTakesTheLabelAsTheLastKnownValue() {
        DataSchema schema = DataSchema.builder(List.of("y"), Task.REGRESSION, "y")
                .forecast(new Forecast(3, 2))
                .build();
        LearnerSettings settings = new LearnerSettings(
                schema, List.of(4), Activation.RELU, OptimizerSettings.defaults("adam"), 4, 0, 0, 7);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE);
        List<Example> examples = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            examples.add(new Example("m", 0, i, 1000L * i, new double[0], new int[0], StrictMath.sin(0.3 * i)));
        }
        run.feed(examples.subList(0, 30));

        try (ServedModel served =
                new ServedModel(settings, run.learner.publish().orElseThrow().payload())) {
            assertThat(served.predict(examples.get(30))).isFinite();
            assertThat(served.predict(examples.get(30))).isNotEqualTo(served.predict(examples.get(35)));
            assertThat(served.predict(new Example("m", 0, 9, 9, new double[0], new int[0], Double.NaN)))
                    .isFinite();
        }
    }

    @Test
    void manyRowsArePredictedAsIfEachWereTheNext() {
        LearnerSettings settings = settings();
        List<Example> examples = examples(100);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE).feed(examples);
        try (ServedModel served =
                new ServedModel(settings, run.learner.publish().orElseThrow().payload())) {
            double[] all = served.predict(examples);

            assertThat(all).hasSize(100);
            assertThat(Arrays.copyOf(all, 3 * BATCH)).isEqualTo(served.predict(examples.subList(0, 3 * BATCH)));
            assertThat(served.predict(List.of())).isEmpty();
        }
    }

    @Test
    void refusesWhatItCannotRead() {
        LearnerSettings settings = settings();
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE).feed(examples(BATCH));
        byte[] payload = run.learner.publish().orElseThrow().payload();

        for (int length = 0; length < payload.length; length += 7) {
            byte[] cut = Arrays.copyOf(payload, length);
            assertThatThrownBy(() -> new ServedModel(settings, cut)).isInstanceOf(IllegalArgumentException.class);
        }
        byte[] longer = Arrays.copyOf(payload, payload.length + 1);
        assertThatThrownBy(() -> new ServedModel(settings, longer)).isInstanceOf(IllegalArgumentException.class);
        byte[] newer = payload.clone();
        newer[0]++;
        assertThatThrownBy(() -> new ServedModel(settings, newer)).hasMessageContaining("upgrade");
        ServedModel served = new ServedModel(settings, payload);
        served.close();
        served.close();
        assertThatThrownBy(() -> served.predict(examples(1))).isInstanceOf(IllegalStateException.class);
    }

    private static LearnerSettings settings() {
        return new LearnerSettings(
                schemas().get(0), List.of(8), Activation.RELU, OptimizerSettings.defaults("adam"), BATCH, 0, 0, 7);
    }

    private static List<Example> examples(int count) {
        SplitMix64 random = new SplitMix64(5);
        List<Example> examples = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double[] numeric = {random.nextNormal(), 100 + 7 * random.nextNormal()};
            int bucket = random.nextInt(4);
            double label = numeric[0] + bucket > 1 ? 1 : 0;
            examples.add(new Example("m", 0, i, 60_000L * i, numeric, new int[] {bucket}, label));
        }
        return examples;
    }
}
