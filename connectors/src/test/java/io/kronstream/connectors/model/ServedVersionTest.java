// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.learner.DataSchema;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Task;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.OptimizerSettings;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Rows that are predicted can be said in any way in which a stream can say them. */
class ServedVersionTest {
    private static final LearnerSettings SETTINGS = new LearnerSettings(
            DataSchema.builder(List.of("a", "user.b", "y"), Task.REGRESSION, "y")
                    .numeric(List.of("a", "user.b"))
                    .build(),
            List.of(8),
            Activation.TANH,
            OptimizerSettings.defaults("adam"),
            4,
            0,
            0,
            1);

    @Test
    void aNumberIsOneInWhateverFormItComes() {
        try (ServedVersion version = new ServedVersion(Models.learned(SETTINGS))) {
            double expected = version.predict(Map.of("a", 2.0, "user.b", -3.0));

            assertThat(expected).isFinite();
            assertThat(version.predict(Map.of("a", 2, "user.b", -3L))).isEqualTo(expected);
            assertThat(version.predict(Map.of("a", "2", "user.b", "-3.0"))).isEqualTo(expected);
            assertThat(version.predict(Map.of("a", 2f, "user", Map.of("b", -3))))
                    .isEqualTo(expected);
            assertThat(version.predict(Map.of("a", 1.0, "user.b", -3.0))).isNotEqualTo(expected);
        }
    }

    @Test
    void whatIsMissingIsAnEmptyField() {
        try (ServedVersion version = new ServedVersion(Models.learned(SETTINGS))) {
            Map<String, Object> empty = new HashMap<>();
            empty.put("user.b", null);
            empty.put("a", 2);

            assertThat(version.predict(empty)).isFinite().isEqualTo(version.predict(Map.of("a", 2)));
        }
    }

    @Test
    void whatIsNoValueOfItsColumnIsRefused() {
        try (ServedVersion version = new ServedVersion(Models.learned(SETTINGS))) {
            assertThatThrownBy(() -> version.predict(Map.of("a", "much")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("'a'");
            assertThatThrownBy(() -> version.predict(Map.of("a", Double.POSITIVE_INFINITY)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("'a'");
            assertThatThrownBy(() -> version.predict(Map.of("a", List.of(1, 2))))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("'a'");
            assertThatThrownBy(() -> version.predict(Map.of("c", 1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("There is no column 'c'; the columns are a, user.b, y");
        }
    }
}
