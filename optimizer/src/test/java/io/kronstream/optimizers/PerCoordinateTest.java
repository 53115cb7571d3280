// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Adagrad and FTRL-Proximal against their definitions: sums over all gradients, and a minimum found by search. */
class PerCoordinateTest {
    private static final int ROWS = 4;
    private static final int COLUMNS = 3;
    private static final int STEPS = 60;

    /** Two ways to round 60 sums. */
    private static final double DOUBLE_TOLERANCE = 1e-12;

    /** 60 sums in single precision. */
    private static final double FLOAT_TOLERANCE = 1e-5;

    /** A golden section search finds the minimum of a parabola to the root of the precision of its values. */
    private static final double SEARCH_TOLERANCE = 1e-6;

    private static double tolerance(Precision precision) {
        return precision == Precision.DOUBLE ? DOUBLE_TOLERANCE : FLOAT_TOLERANCE;
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void adagradDividesByTheNormOfAllGradients(Precision precision) {
        OptimizerSettings settings = OptimizerSettings.defaults("adagrad").with(Knobs.LEARNING_RATE, 0.05);
        Run run = new Run(settings, precision);
        for (int i = 0; i < ROWS; i++) {
            for (int j = 0; j < COLUMNS; j++) {
                double w = run.weights.get(0).get(i, j);
                double squares = 0;
                for (Matrix gradient : run.gradients) {
                    double g = gradient.get(i, j);
                    squares += g * g;
                    w -= 0.05 * g / (1e-10 + Math.sqrt(squares));
                }
                assertThat(run.last().get(i, j)).isCloseTo(w, within(tolerance(precision)));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void ftrlWithoutRegularisersIsAdagradWithBeta(Precision precision) {
        double alpha = 0.3;
        double beta = 0.7;
        Run ftrl = new Run(
                OptimizerSettings.defaults("ftrl")
                        .with(Knobs.LEARNING_RATE, alpha)
                        .with(FTRL.BETA, beta),
                precision);
        Run adagrad = new Run(
                OptimizerSettings.defaults("adagrad")
                        .with(Knobs.LEARNING_RATE, alpha)
                        .with(Knobs.EPSILON, beta),
                precision);
        assertThat(Samples.relativeError(ftrl.last(), adagrad.last())).isLessThan(tolerance(precision));
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void ftrlMinimisesItsObjectiveOverThePast(Precision precision) {
        double alpha = 0.3;
        double beta = 0.7;
        double l1 = 1.5;
        double l2 = 0.4;
        Run run = new Run(
                OptimizerSettings.defaults("ftrl")
                        .with(Knobs.LEARNING_RATE, alpha)
                        .with(FTRL.BETA, beta)
                        .with(FTRL.L1, l1)
                        .with(FTRL.L2, l2),
                precision);
        int zeros = 0;
        for (int step : new int[] {1, 2, 7, STEPS}) {
            for (int i = 0; i < ROWS; i++) {
                for (int j = 0; j < COLUMNS; j++) {
                    Objective objective = new Objective(run, i, j, step, alpha, beta, l1, l2);
                    double w = run.weights.get(step).get(i, j);
                    zeros += w == 0 ? 1 : 0;
                    assertThat(w)
                            .as("entry %d, %d after step %d", i, j, step)
                            .isCloseTo(objective.minimum(), within(Math.max(SEARCH_TOLERANCE, tolerance(precision))));
                }
            }
        }
        assertThat(zeros).as("entries that l1 made zero").isBetween(1, 4 * ROWS * COLUMNS - 1);
    }

    /** All parameters of a run, the first ones at 0, and its gradients. */
    private static final class Run {
        final List<Matrix> weights = new ArrayList<>();
        final List<Matrix> gradients = new ArrayList<>();

        Run(OptimizerSettings settings, Precision precision) {
            Random random = new Random(5);
            Matrix current = Samples.normal(precision, ROWS, COLUMNS, 1, random);
            try (Optimizer optimizer = Optimizers.create(settings, precision)) {
                Memory memory = optimizer.memory(ROWS, COLUMNS);
                Arena arena = new Arena(precision, memory.tensors(), memory.counters());
                weights.add(Samples.as(precision, current));
                for (int step = 0; step < STEPS; step++) {
                    Matrix gradient = Samples.normal(precision, ROWS, COLUMNS, 1, random);
                    optimizer.step(new LayerGradient(gradient), current, new LayerState(arena, ""));
                    gradients.add(gradient);
                    weights.add(Samples.as(precision, current));
                }
                arena.close();
            }
        }

        Matrix last() {
            return weights.get(STEPS);
        }
    }

    /** What FTRL-Proximal minimises after some steps, for one entry. */
    private record Objective(Run run, int row, int column, int steps, double alpha, double beta, double l1, double l2) {
        double at(double w) {
            double start = w - run.weights.get(0).get(row, column);
            double value = beta / (2 * alpha) * start * start + l1 * Math.abs(w) + l2 / 2 * w * w;
            double squares = 0;
            for (int t = 0; t < steps; t++) {
                double g = run.gradients.get(t).get(row, column);
                double sigma = (Math.sqrt(squares + g * g) - Math.sqrt(squares)) / alpha;
                squares += g * g;
                double distance = w - run.weights.get(t).get(row, column);
                value += g * w + sigma / 2 * distance * distance;
            }
            return value;
        }

        /** By golden section: the objective is convex. */
        double minimum() {
            double ratio = (Math.sqrt(5) - 1) / 2;
            double low = -100;
            double high = 100;
            while (high - low > SEARCH_TOLERANCE / 100) {
                double a = high - ratio * (high - low);
                double b = low + ratio * (high - low);
                if (at(a) <= at(b)) {
                    high = b;
                } else {
                    low = a;
                }
            }
            return (low + high) / 2;
        }
    }
}
