// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.fisher.RefreshMethod;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OptimizerSettingsTest {

    @Test
    void anOptimizersOwnDefaultCounts() {
        assertThat(OptimizerSettings.defaults("adam").get(Knobs.LEARNING_RATE)).isEqualTo(1e-3);
        assertThat(OptimizerSettings.defaults("sgd").get(Knobs.LEARNING_RATE)).isEqualTo(1e-2);
        assertThat(OptimizerSettings.defaults("adam").get(Adam.WEIGHT_DECAY)).isZero();
        assertThat(OptimizerSettings.defaults("adamw").get(Adam.WEIGHT_DECAY)).isEqualTo(1e-2);
    }

    @Test
    void whatWasSetCounts() {
        OptimizerSettings settings = OptimizerSettings.defaults("soap")
                .with(Knobs.REFRESH_METHOD, RefreshMethod.EIGENDECOMPOSITION)
                .with(Knobs.REFRESH_INTERVAL, 7);

        assertThat(settings.get(Knobs.REFRESH_METHOD)).isEqualTo(RefreshMethod.EIGENDECOMPOSITION);
        assertThat(settings.get(Knobs.REFRESH_INTERVAL)).isEqualTo(7);
        assertThat(settings).hasToString("soap refresh-interval=7 refresh-method=eigendecomposition");
    }

    @Test
    void equalHoweverWritten() {
        OptimizerSettings defaults = OptimizerSettings.defaults("adam");

        assertThat(defaults.with("learning-rate", " 0.0010 ")).isEqualTo(defaults);
        assertThat(defaults.with("epsilon", "1e-4")).isEqualTo(defaults.with(Knobs.EPSILON, 0.0001));
        assertThat(defaults.with("epsilon", "1e-4").with(Knobs.EPSILON, 1e-8)).isEqualTo(defaults);
        assertThat(defaults.with("epsilon", "1e-4")).isNotEqualTo(defaults);
    }

    @Test
    void problemsNameTheRangeAndTheKnownKnobs() {
        assertThat(OptimizerSettings.defaults("soap")
                        .with("beta1", "1")
                        .with("bete2", "0.9")
                        .with("refresh-interval", "0")
                        .with("refresh-method", "guess")
                        .problems())
                .containsExactly(
                        "'beta1' must be a number in [0, 1), was 1",
                        "'soap' has no knob 'bete2'; it has learning-rate, beta1, beta2, factor-beta, epsilon,"
                                + " relative-epsilon, weight-decay, refresh-interval, refresh-method, max-side,"
                                + " bias-correction, normalised, schedule, warm-up,"
                                + " schedule-steps, schedule-factor, clip-norm, clip-value, coupled-decay, averaging,"
                                + " average-decay",
                        "'refresh-interval' must be a whole number in [1, 1000000000], was 0",
                        "'refresh-method' must be one of qr_iteration, eigendecomposition, was guess");
        assertThat(OptimizerSettings.defaults("sofa").problems())
                .singleElement()
                .asString()
                .startsWith("unknown optimizer 'sofa'; known are dykaf, ");
        for (String notANumber : List.of("NaN", "Infinity", "", "1,5")) {
            assertThat(OptimizerSettings.defaults("adam")
                            .with("learning-rate", notANumber)
                            .problems())
                    .hasSize(1);
        }
    }

    @Test
    void aKnobThatAnOptimizerLacksHasNoValue() {
        OptimizerSettings adam = OptimizerSettings.defaults("adam");

        assertThat(adam.has(Knobs.REFRESH_INTERVAL)).isFalse();
        assertThatThrownBy(() -> adam.get(Knobs.REFRESH_INTERVAL)).hasMessageContaining("'refresh-interval'");
    }

    @Test
    void onlyStructuralKnobsAreStructure() {
        OptimizerSettings dykaf = OptimizerSettings.defaults("dykaf");

        assertThat(dykaf.structure())
                .containsExactly(Map.entry("max-side", "10000"), Map.entry("rank-one-second-moment", "false"));
        assertThat(dykaf.with(Knobs.LEARNING_RATE, 1.0).structure()).isEqualTo(dykaf.structure());
        assertThat(dykaf.with(DyKAF.RANK_ONE_SECOND_MOMENT, true).structure()).isNotEqualTo(dykaf.structure());
    }

    @Test
    void everyOptimizerDeclaresItsKnobsOnceWithDefaultsInRange() {
        for (String name : Optimizers.names()) {
            Set<String> names = new HashSet<>();
            for (Knob<?> knob : Optimizers.knobs(name)) {
                assertThat(names.add(knob.name())).as(name + " " + knob).isTrue();
                assertThat(knob.name()).matches("[a-z0-9]+(-[a-z0-9]+)*");
                assertThat(knob.normalise(knob.defaultText())).isEqualTo(knob.defaultText());
            }
            assertThat(names).contains(Knobs.LEARNING_RATE.name());
        }
    }

    @Test
    void survivesSerialization() throws Exception {
        OptimizerSettings settings = OptimizerSettings.defaults("dykaf").with(Knobs.LEARNING_RATE, 0.5);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(settings);
        Object read = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();

        assertThat(read).isEqualTo(settings);
    }
}
