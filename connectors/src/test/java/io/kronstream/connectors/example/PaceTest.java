// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PaceTest {
    @Test
    void aRateBoundsTheRows() {
        assertThat(new Pace(100, 0).due(250, 0)).isEqualTo(2_500_000_000L);
    }

    @Test
    void aSpeedupKeepsTheDistancesOfTheRowsOwnTimes() {
        Pace pace = new Pace(0, 60);

        assertThat(pace.due(1, 60_000)).isEqualTo(1_000_000_000L);
        assertThat(pace.due(2, 90_000)).isEqualTo(1_500_000_000L);
        assertThat(pace.due(3, -5)).as("a row from before the first").isZero();
    }

    @Test
    void withBothTheSlowerOneCounts() {
        assertThat(new Pace(1, 1).due(5, 1000)).isEqualTo(5_000_000_000L);
        assertThat(new Pace(1, 1).due(1, 5000)).isEqualTo(5_000_000_000L);
    }

    @Test
    void nothingIsNegative() {
        assertThatThrownBy(() -> new Pace(-1, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Pace(0, Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }
}
