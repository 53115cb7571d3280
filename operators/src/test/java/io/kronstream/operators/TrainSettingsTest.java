// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TrainSettingsTest {
    private static final TrainSettings REMOTE = TestStreams.settings(RefreshMode.REMOTE);

    @Test
    void whatIsWrongIsNamed() {
        assertThatThrownBy(() -> TestStreams.withParkedBytes(REMOTE, 0))
                .hasMessage("parkedBytes must be at least 1, was 0");
        assertThatThrownBy(() -> TestStreams.withCacheBytes(REMOTE, -1))
                .hasMessage("cacheBytes must be at least 1, was -1");
        assertThatThrownBy(() -> TestStreams.withDeadline(REMOTE, 86_400_001))
                .hasMessage("refreshDeadlineMillis must be at most 86400000 (a day), was 86400001");
        assertThatThrownBy(() -> TestStreams.withLearningRate(REMOTE, -1)).hasMessageContaining("'learning-rate'");
    }

    @Test
    void remoteRefreshesNeedAChannel() {
        assertThatThrownBy(() -> new TrainOperatorFactory(REMOTE, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Remote refreshes need a channel");
    }
}
