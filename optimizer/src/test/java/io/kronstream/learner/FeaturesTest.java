// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.network.Pooling;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FeaturesTest {
    private static final double SINGLE_PRECISION = 1e-6;

    private static Example example(long timestamp, double[] numeric, int[] categorical, double label) {
        return new Example("m", 0, 0, timestamp, numeric, categorical, label);
    }

    @Test
    void numbersAreStandardisedByThePast() {
        Features features = new Features(LearnerRun.binarySchema());
        float[] first = features.add(example(0, new double[] {5, 1, Double.NaN}, new int[0], 1)).inputs;
        assertThat(first).containsExactly(0, 0, 0, 0);

        float[] second = features.add(example(0, new double[] {7, 1, 2}, new int[0], 0)).inputs;
        assertThat(second).containsExactly(1, 0, 0, 1); // (7 - 6) / 1; constant; first value; the label before
    }

    @Test
    void valuesFarOutAreClipped() {
        Features features = new Features(LearnerRun.binarySchema());
        for (int i = 0; i < 1000; i++) {
            features.add(example(0, new double[] {i % 2, 0, 0}, new int[0], 1));
        }
        assertThat(features.add(example(0, new double[] {1e6, 0, 0}, new int[0], 1)).inputs[0])
                .isEqualTo(8);
    }

    @Test
    void categoriesPeriodsAndTimeBecomeInputs() {
        DataSchema schema = DataSchema.builder(List.of("c", "p", "t", "y"), Task.REGRESSION, "y")
                .categorical(List.of(Category.oneHot("c", 4)))
                .periodic(Map.of("p", 12.0))
                .time("t")
                .build();
        Features features = new Features(schema);
        // Tuesday 1970-01-06 06:00 UTC
        Instance instance =
                features.add(example(5 * 86_400_000L + 6 * 3_600_000L, new double[] {3}, new int[] {2}, 10));
        double week = 2 * Math.PI * (1 + 0.25) / 7;
        float[] expected = {1, 0, 1, 0, (float) Math.sin(week), (float) Math.cos(week), 0, 0, 1, 0};
        assertThat(instance.inputs).hasSize(Features.width(schema));
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) instance.inputs[i]).isEqualTo(expected[i], within(SINGLE_PRECISION));
        }
    }

    @Test
    void severalCategoriesCountAndEmbeddedOnesBecomeIds() {
        DataSchema schema = DataSchema.builder(List.of("a", "b", "c", "d", "y"), Task.REGRESSION, "y")
                .categorical(List.of(
                        Category.embedded("a", 100, 4),
                        new Category("b", 3, 0, "|", Pooling.SUM),
                        new Category("c", 100, 4, "|", Pooling.SUM),
                        new Category("d", 2, 0, "|", Pooling.MEAN)))
                .build();
        Features features = new Features(schema);

        Instance full = features.add(example(0, new double[0], new int[] {70, 3, 0, 2, 2, 2, 8, 9, 4, 1, 1, 0, 1}, 1));
        Instance empty = features.add(example(0, new double[0], new int[] {-1, 0, 0, 0}, 1));

        assertThat(full.inputs).containsExactly(1, 0, 2, 0.25f, 0.75f);
        assertThat(full.ids).containsExactly(1, 70, 2, 8, 9);
        assertThat(empty.inputs).containsExactly(0, 0, 0, 0, 0);
        assertThat(empty.ids).containsExactly(0, 0);
    }

    @Test
    void forecastLearnsTheChangeFromTheLastKnownValue() {
        Features features = new Features(LearnerRun.forecastSchema(3, 2));
        assertThat(features.add(example(0, new double[0], new int[0], 1))).isNull();
        assertThat(features.add(example(0, new double[0], new int[0], 3))).isNull();
        Instance origin = features.add(example(0, new double[0], new int[0], 5));
        double deviation = Math.sqrt(8.0 / 3); // of 1, 3, 5
        assertThat((double) origin.inputs[4]).isEqualTo((1 - 5) / deviation, within(SINGLE_PRECISION));
        assertThat((double) origin.inputs[5]).isEqualTo((3 - 5) / deviation, within(SINGLE_PRECISION));
        assertThat((double) origin.inputs[6]).isEqualTo((5 - 3) / deviation, within(SINGLE_PRECISION));
        assertThat(origin.noChange).isEqualTo(5);

        features.add(example(0, new double[0], new int[0], 100));
        assertThat(origin.settled).isFalse();
        features.add(example(0, new double[0], new int[0], 7));
        assertThat(origin.settled).isTrue();
        assertThat(origin.label).isEqualTo(7);
        assertThat(origin.target()).isEqualTo(2 / deviation);
    }

    @Test
    void aMissingTargetIsNeverLearned() {
        Features features = new Features(LearnerRun.forecastSchema(1, 1));
        Instance origin = features.add(example(0, new double[0], new int[0], 1));
        Instance next = features.add(example(0, new double[0], new int[0], Double.NaN));
        assertThat(origin.settled).isTrue();
        assertThat(origin.label).isNaN();
        assertThat(next.noChange).isEqualTo(1); // the last known value stands in
    }

    @Test
    void naivePredictorsCountByTheRuleOfSuccession() {
        NaivePredictors naive = new NaivePredictors(Task.BINARY);
        assertThat(naive.noChange()).isEqualTo(0.5);
        naive.add(1);
        naive.add(1);
        naive.add(0);
        assertThat(naive.noChange()).isEqualTo(1 - 2.0 / 4);
        assertThat(naive.prior()).isEqualTo(3.0 / 5);
    }
}
