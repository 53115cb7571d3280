// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.network.Activation;
import io.kronstream.optimizers.OptimizerSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Forecasts of a series by its own time: records that come twice, too late or not at all. */
class GridForecastTest {
    private static final Offset<Double> SINGLE_PRECISION = within(1e-6);
    private static final long HOUR = 3_600_000;

    private static DataSchema schema(Forecast forecast, List<Calendar> calendar) {
        return DataSchema.builder(List.of("t", "x", "y"), Task.REGRESSION, "y")
                .numbers(List.of(new Numeric(
                        "x",
                        List.of(0.0),
                        Numeric.Fill.CARRY,
                        0,
                        true,
                        Numeric.Transform.NONE,
                        Double.POSITIVE_INFINITY,
                        List.of(1),
                        List.of(2))))
                .time("t")
                .calendar(calendar)
                .forecast(forecast)
                .build();
    }

    private static Forecast forecast(List<Integer> seasonal, List<Integer> windows) {
        return new Forecast(2, 3, HOUR, seasonal, windows);
    }

    private static Example at(double hour, double label) {
        return new Example("m", 0, 0, (long) (hour * HOUR), new double[] {1}, new int[0], label);
    }

    @Test
    void lagsAndHorizonCountHoursAndNotRecords() {
        Features features = new Features(schema(forecast(List.of(), List.of()), List.of()));
        assertThat(features.add(at(10, 1))).isNull();
        Instance first = features.add(at(11.9, 2));
        assertThat(features.add(at(11.95, 99)))
                .as("a second record of the hour")
                .isNull();
        assertThat(features.add(at(10.5, 99))).as("a record that comes late").isNull();
        assertThat(features.add(at(12.5, Double.NaN)))
                .as("a record without a label")
                .isNull();
        // 12 and 13 stay empty
        Instance second = features.add(at(14.2, 5));
        assertThat(first.settled).isTrue();
        assertThat(first.label).isEqualTo(5);
        double deviation = Math.sqrt(
                ((1 - 8 / 3.0) * (1 - 8 / 3.0) + (2 - 8 / 3.0) * (2 - 8 / 3.0) + (5 - 8 / 3.0) * (5 - 8 / 3.0)) / 3);
        assertThat((double) second.inputs[6]).as("13 h counts as 2").isEqualTo((2 - 5) / deviation, SINGLE_PRECISION);

        Instance third = features.add(at(15, 6));
        features.add(at(18, 7));
        assertThat(second.settled).isTrue();
        assertThat(second.label).as("17 h stayed empty").isNaN();
        assertThat(third.label).isEqualTo(7);
    }

    @Test
    void seasonsWindowsAndTheTargetsTimeAreInputs() {
        Features features =
                new Features(schema(forecast(List.of(4, 3), List.of(2, 4)), List.of(Calendar.HOUR, Calendar.WEEKDAY)));
        Instance instance = null;
        for (int hour = 0; hour < 4; hour++) {
            assertThat(instance).isNull();
            instance = features.add(at(44 + hour, hour)); // 1970-01-02 20:00, Friday
        }
        double deviation = Math.sqrt(5 / 4.0);
        int calendar = 6;
        for (int i = 0; i < 24; i++) {
            assertThat(instance.inputs[calendar + i]).isEqualTo(i == 2 ? 1 : 0); // 23:00 and 3 hours
        }
        assertThat(instance.inputs[calendar + 24 + 5]).as("Saturday").isEqualTo(1);
        double[] past = {-1, 1.5, -1, 0, -0.5, -1, 0, -1.5, -3, 0}; // 2; 3 by its mean; 2 and 3; of 2, 3; of 0 to 3
        for (int i = 0; i < past.length; i++) {
            assertThat((double) instance.inputs[calendar + 31 + i]).isEqualTo(past[i] / deviation, SINGLE_PRECISION);
        }
        assertThat(instance.inputs).hasSize(calendar + 31 + past.length);
    }

    @Test
    void oneRecordFromTheFutureDoesNotStopTheSeriesForGood() {
        Features features = new Features(schema(forecast(List.of(), List.of()), List.of()));
        features.add(at(1, 1));
        Instance waiting = features.add(at(2, 2));
        features.add(at(1_000_000, 3));
        List<Instance> after = new ArrayList<>();
        for (int hour = 3; hour < 10; hour++) {
            after.add(features.add(at(hour, hour)));
        }
        assertThat(waiting.settled).isTrue();
        // as many are passed over as a forecast needs, 2; the third begins anew
        assertThat(after.subList(0, 3)).containsOnlyNulls();
        assertThat(after.subList(3, 7)).doesNotContainNull();
        assertThat(after.get(3).noChange).isEqualTo(6);
        assertThat(after.get(3).settled).isTrue();
        assertThat(after.get(3).label).isEqualTo(9);
    }

    @Test
    void aRestartAnywhereChangesNothing() {
        LearnerSettings settings = new LearnerSettings(
                schema(forecast(List.of(5), List.of(4)), List.of(Calendar.HOUR, Calendar.YEAR_CYCLE)),
                List.of(6),
                Activation.RELU,
                OptimizerSettings.defaults("soap"),
                8,
                0,
                3,
                1);
        List<Example> stream = irregular(400);
        LearnerRun expected = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE)
                .feed(stream)
                .finish();
        assertThat(expected.scores.size()).isGreaterThan(100);

        for (int cut = 1; cut < stream.size(); cut += 11) {
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

    /** A published version predicts what its learner would, gaps before the next record included. */
    @Test
    void aPublishedVersionKnowsTheTime() {
        LearnerSettings settings = new LearnerSettings(
                schema(forecast(List.of(5), List.of(4)), Calendar.DEFAULT),
                List.of(6),
                Activation.RELU,
                OptimizerSettings.defaults("adam"),
                1,
                0,
                0,
                1);
        List<Example> stream = irregular(200);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE);
        SortedMap<Long, Double> served = new TreeMap<>();
        for (int i = 0; i + 1 < stream.size(); i++) {
            run.feed(stream.subList(i, i + 1));
            PublishedModel version = run.learner.publish().orElse(null);
            if (version != null) {
                try (ServedModel model = new ServedModel(settings, version.payload())) {
                    served.put((long) i + 1, model.predict(stream.get(i + 1)));
                }
            }
        }
        run.finish();
        int compared = 0;
        for (Score score : run.scores) {
            if (served.containsKey(score.offset())) {
                assertThat(served.get(score.offset())).isEqualTo(score.prediction());
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(20);
    }

    private static List<Example> irregular(int length) {
        SplitMix64 random = new SplitMix64(9);
        List<Example> stream = new ArrayList<>();
        double hour = 0;
        for (int i = 0; i < length; i++) {
            double draw = random.nextDouble();
            hour += draw < 0.6 ? 1 : draw < 0.8 ? 0.2 : draw < 0.9 ? 4 : -2;
            double label = random.nextDouble() < 0.05 ? Double.NaN : 20 + 5 * StrictMath.sin(hour / 4);
            double[] numeric = {random.nextDouble() < 0.2 ? 0 : random.nextDouble()};
            stream.add(new Example("m", 0, i, (long) (hour * HOUR), numeric, new int[0], label));
        }
        return stream;
    }
}
