// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import io.kronstream.optimizers.Surroundings.Averaging;
import io.kronstream.optimizers.Surroundings.Schedule;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What is put around optimizers, against its definition. */
class SurroundedTest {
    private static final int ROWS = 4;
    private static final int COLUMNS = 3;
    private static final double ROUNDING = 1e-12;

    /** One example each of rate, moment and natural-gradient methods. */
    static List<String> names() {
        return List.of("sgd", "adam", "adahessian", "soap", "kfac", "eva", "adafisher");
    }

    @ParameterizedTest
    @CsvSource({
        "constant, 4, 1, 0.25", "constant, 4, 4, 1", "constant, 4, 900, 1", "constant, 0, 1, 1",
        "inverse_sqrt, 4, 2, 0.5", "inverse_sqrt, 4, 16, 0.5", "inverse_sqrt, 0, 4, 0.5", "inverse_sqrt, 0, 1, 1",
        "cosine, 4, 2, 0.5", "cosine, 0, 50, 0.6", "cosine, 0, 100, 0.2", "cosine, 0, 1000, 0.2",
        "step, 0, 99, 1", "step, 0, 100, 0.2", "step, 10, 210, 0.04", "none, 7, 1, 1"
    })
    void schedules(String schedule, int warmUp, long step, double factor) {
        OptimizerSettings settings = OptimizerSettings.defaults("adam")
                .with("schedule", schedule)
                .with(Surroundings.WARM_UP, warmUp)
                .with(Surroundings.SCHEDULE_STEPS, 100)
                .with(Surroundings.SCHEDULE_FACTOR, 0.2);

        assertThat(Surroundings.of(settings).factor(step)).isCloseTo(factor, within(ROUNDING));
    }

    @Test
    void aScheduleIsAChangedRate() {
        OptimizerSettings slow = settings("adam").with(Knobs.LEARNING_RATE, 0.25e-3);
        OptimizerSettings warming =
                settings("adam").with(Surroundings.SCHEDULE, Schedule.CONSTANT).with(Surroundings.WARM_UP, 4);

        assertThat(Samples.relativeError(
                        new Run(warming).steps(1).last(), new Run(slow).steps(1).last()))
                .isLessThan(ROUNDING);
    }

    @ParameterizedTest
    @MethodSource("names")
    void theNormOfAllLayersTogetherIsClipped(String name) {
        Run clipped = new Run(settings(name).with(Surroundings.CLIP_NORM, 1e-3));
        Run scaled = new Run(settings(name));
        clipped.steps(5);
        scaled.shrinkTo = 1e-3;
        scaled.steps(5);

        for (int layer = 0; layer < 2; layer++) {
            assertThat(Samples.relativeError(clipped.weights.get(layer), scaled.weights.get(layer)))
                    .isLessThan(ROUNDING);
        }
    }

    @Test
    void shortGradientsAreNotTouched() {
        Run clipped = new Run(settings("adam").with(Surroundings.CLIP_NORM, 1e6).with(Surroundings.CLIP_VALUE, 1e6));

        assertThat(Samples.relativeError(
                        clipped.steps(5).last(),
                        new Run(settings("adam")).steps(5).last()))
                .isZero();
    }

    @Test
    void entriesAreClipped() {
        Run run = new Run(settings("sgd").with(SGD.MOMENTUM, 0.0).with(Surroundings.CLIP_VALUE, 0.1));
        Matrix before = Samples.as(Precision.DOUBLE, run.last());
        run.steps(1);

        double rate = settings("sgd").get(Knobs.LEARNING_RATE);
        Matrix gradient = run.lastGradient;
        for (int i = 0; i < ROWS; i++) {
            for (int j = 0; j < COLUMNS; j++) {
                double expected = Math.max(-0.1, Math.min(0.1, gradient.get(i, j)));
                assertThat(before.get(i, j) - run.last().get(i, j)).isCloseTo(rate * expected, within(ROUNDING));
            }
        }
    }

    /** The gradient is then no product of thin factors: whoever takes it from them would forget the decay. */
    @ParameterizedTest
    @MethodSource("names")
    void coupledDecayIsAPartOfTheGradient(String name) {
        String knob = settings(name).has(Surroundings.COUPLED_DECAY) ? "coupled-decay" : "weight-decay";
        Run decayed = new Run(settings(name).with(knob, "0.1"));
        Run given = new Run(settings(name));
        given.decay = 0.1;
        decayed.steps(5);
        given.steps(5);

        assertThat(Samples.relativeError(decayed.last(), given.last())).isLessThan(ROUNDING);
    }

    @ParameterizedTest
    @MethodSource("names")
    void decoupledDecayShrinksTheParametersAlone(String name) {
        OptimizerSettings plain = settings(name);
        String knob = plain.has(Surroundings.DECOUPLED_DECAY) ? "decoupled-decay" : "weight-decay";
        Run decayed = new Run(plain.with(knob, "0.1"));
        Run undecayed = new Run(plain);
        Matrix before = Samples.as(Precision.DOUBLE, decayed.last());
        decayed.steps(1);
        undecayed.steps(1);

        double rate = plain.get(Knobs.LEARNING_RATE);
        Matrix expected = Samples.as(Precision.DOUBLE, undecayed.last());
        // What the first step leaves alone does not decay either; it is the one that builds the factors.
        boolean built = name.equals("soap");
        expected.combine(built ? 0 : -rate * 0.1, before, 1);
        assertThat(Samples.relativeError(decayed.last(), expected)).isLessThan(ROUNDING);
    }

    @Test
    void theAverageIsARunningMeanUntilItsWindowIsFull() {
        Run run = new Run(settings("adam")
                .with(Surroundings.AVERAGING, Averaging.PUBLISHED)
                .with(Surroundings.AVERAGE_DECAY, 0.9));
        Matrix mean = Matrix.create(Precision.DOUBLE, ROWS, COLUMNS);
        assertThat(run.published()).as("before the first step").isSameAs(run.last());
        for (int step = 1; step <= 30; step++) {
            run.steps(1);
            double kept = Math.min(0.9, 1 - 1.0 / step);
            mean.combine(1 - kept, run.last(), kept);
        }

        assertThat(Samples.relativeError(run.published(), mean)).isLessThan(ROUNDING);
        assertThat(Samples.relativeError(run.last(), mean)).isPositive();
    }

    @Test
    void whatIsNotUsedChangesNoStructure() {
        assertThat(settings("adam").structure()).isEmpty();
        assertThat(settings("adam").with(Surroundings.CLIP_NORM, 1.0).structure())
                .isEmpty();
        assertThat(settings("adam")
                        .with(Surroundings.AVERAGING, Averaging.PREDICTING)
                        .structure())
                .containsEntry("averaging", "predicting");
    }

    @Test
    void everyOptimizerCanBeClippedAndAveraged() {
        for (String name : Optimizers.names()) {
            assertThat(OptimizerSettings.defaults(name).has(Surroundings.CLIP_NORM))
                    .isTrue();
            assertThat(OptimizerSettings.defaults(name).has(Surroundings.AVERAGING))
                    .isTrue();
            assertThat(OptimizerSettings.defaults(name).has(Surroundings.SCHEDULE))
                    .isEqualTo(!name.equals("ftrl"));
        }
    }

    private static OptimizerSettings settings(String name) {
        return OptimizerSettings.defaults(name);
    }

    /** Two layers, the same gradients each time. */
    private static final class Run {
        final Optimizer optimizer;
        final List<Matrix> weights = new ArrayList<>();
        final List<LayerState> states = new ArrayList<>();
        Matrix lastGradient;
        double shrinkTo;
        double decay;
        int step;

        Run(OptimizerSettings settings) {
            optimizer = Optimizers.create(settings, Precision.DOUBLE);
            for (int layer = 0; layer < 2; layer++) {
                Memory memory = optimizer.memory(ROWS, COLUMNS);
                states.add(new LayerState(new Arena(Precision.DOUBLE, memory.tensors(), memory.counters()), ""));
                weights.add(Samples.normal(Precision.DOUBLE, ROWS, COLUMNS, 1, new Random(layer)));
            }
        }

        Matrix last() {
            return weights.get(1);
        }

        Matrix published() {
            return optimizer.published(last(), states.get(1));
        }

        Run steps(int count) {
            for (int end = step + count; step < end; step++) {
                Random random = new Random(100 + step);
                List<Matrix> activations = new ArrayList<>();
                List<Matrix> derivatives = new ArrayList<>();
                List<Matrix> gradients = new ArrayList<>();
                double square = 0;
                for (int layer = 0; layer < 2; layer++) {
                    activations.add(Samples.normal(Precision.DOUBLE, 8, COLUMNS, 1, random));
                    derivatives.add(Samples.normal(Precision.DOUBLE, 8, ROWS, 1, random));
                    Matrix gradient = Matrix.create(Precision.DOUBLE, ROWS, COLUMNS);
                    gradient.multiply(1.0 / 8, derivatives.get(layer), true, activations.get(layer), false, 0);
                    gradients.add(gradient);
                    square += gradient.squaredNorm();
                }
                List<LayerGradient> given = new ArrayList<>();
                for (int layer = 0; layer < 2; layer++) {
                    Matrix gradient = gradients.get(layer);
                    if (shrinkTo > 0) {
                        gradient.scale(shrinkTo / Math.sqrt(square));
                    }
                    if (decay > 0) {
                        gradient.combine(decay, weights.get(layer), 1);
                    }
                    Matrix s = derivatives.get(layer);
                    Matrix product = Samples.normal(Precision.DOUBLE, ROWS, COLUMNS, 1, random);
                    given.add(new LayerGradient(gradient, activations.get(layer), s, s).withHessianProduct(product));
                    lastGradient = gradient;
                }
                optimizer.step(given, weights, states);
            }
            return this;
        }
    }
}
