// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.Numeric.Fill;
import io.kronstream.learner.Numeric.Transform;
import java.util.List;
import org.junit.jupiter.api.Test;

class NumericInputTest {
    private static Numeric column(Fill fill, double constant, List<Integer> lags, List<Integer> windows) {
        return new Numeric(
                "x", List.of(-1.0), fill, constant, true, Transform.NONE, Double.POSITIVE_INFINITY, lags, windows);
    }

    /** The inputs after the last of these values. */
    private static float[] inputs(Numeric column, double... values) {
        NumericInput input = new NumericInput(column, new RunningMoments(1), 0);
        for (double value : values) {
            input.add(value);
        }
        float[] inputs = new float[column.width()];
        assertThat(input.write(inputs, 0)).isEqualTo(column.width());
        return inputs;
    }

    @Test
    void aMissingValueIsFilledAndTold() {
        // mean 5, deviation 1 of 4 and 6; neither what is missing nor what is filled in counts
        assertThat(inputs(column(Fill.MEAN, 0, List.of(), List.of()), 4, 6, -1)).containsExactly(0, 1);
        assertThat(inputs(column(Fill.CARRY, 0, List.of(), List.of()), 4, 6, Double.NaN, -1))
                .containsExactly(1, 1);
        assertThat(inputs(column(Fill.CONSTANT, 7, List.of(), List.of()), 4, 6, -1))
                .containsExactly(2, 1);
        assertThat(inputs(column(Fill.CARRY, 0, List.of(), List.of()), 4, 6, 4)).containsExactly(-0.70710678f, 0);
        assertThat(inputs(column(Fill.CARRY, 0, List.of(), List.of()), -1)).containsExactly(0, 1);
    }

    @Test
    void earlierValuesAndWindowsAreInputs() {
        // mean 5, deviation 1
        Numeric column = column(Fill.CARRY, 0, List.of(1, 3), List.of(2, 4));
        assertThat(inputs(column, 4, 6, 4, 6, -1))
                .containsExactly(1, 1, 1, 1, 1, 1, 1, 0.5f, -1, 1); // filled, told, 1 and 3 back, of 2, of 4
        assertThat(inputs(column, 4)).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    @Test
    void largeAmountsAreCutAndTakenAsLogarithms() {
        Numeric column =
                new Numeric("x", List.of(), Fill.MEAN, 0, false, Transform.LOG1P, Math.expm1(3), List.of(), List.of());
        assertThat(inputs(column, Math.expm1(1), 1e30)).containsExactly(1); // 1 and 3
        assertThat(inputs(column, Math.expm1(1), -Math.expm1(3))).containsExactly(-1); // 1 and -3
    }

    @Test
    void timeWithoutRecordsKeepsTheLastValue() {
        NumericInput input = new NumericInput(column(Fill.MEAN, 0, List.of(1), List.of(3)), new RunningMoments(1), 0);
        input.add(4);
        input.repeat(2);
        input.add(6);
        float[] inputs = new float[6];
        input.write(inputs, 0);
        assertThat(inputs).containsExactly(1, 0, -1, -1 / 3f, -1, 1); // of 4, 4 and 6
    }
}
