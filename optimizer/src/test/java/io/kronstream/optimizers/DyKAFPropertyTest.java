// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class DyKAFPropertyTest {
    private static final int TRIES = 25;
    private static final double ROUNDING = 1e-9;

    @Property(tries = TRIES)
    void reorderingBasisColumnsDoesNotChangeTheUpdate(
            @ForAll @IntRange(min = 2, max = 8) int rows,
            @ForAll @IntRange(min = 2, max = 8) int columns,
            @ForAll boolean rankOne,
            @ForAll long seed) {
        OptimizerSettings settings = settings(rankOne, 1e-8);
        Run plain = new Run(settings, rows, columns);
        Run reordered = new Run(settings, rows, columns);
        Random random = new Random(seed);
        for (int step = 0; step < 12; step++) {
            Matrix gradient = Samples.normal(Precision.DOUBLE, rows, columns, 1, random);
            plain.step(gradient);
            reordered.step(gradient);
        }
        reordered.reorder(RefreshTask.LEFT, rows, random);
        reordered.reorder(RefreshTask.RIGHT, columns, random);
        for (int step = 0; step < 12; step++) {
            Matrix gradient = Samples.normal(Precision.DOUBLE, rows, columns, 1, random);
            plain.step(gradient);
            reordered.step(gradient);
        }

        assertThat(Samples.relativeError(reordered.weights, plain.weights)).isLessThan(ROUNDING);
    }

    @Property(tries = TRIES)
    void theScaleOfTheGradientsDoesNotMatter(
            @ForAll @IntRange(min = 2, max = 6) int rows,
            @ForAll @IntRange(min = 2, max = 6) int columns,
            @ForAll boolean rankOne,
            @ForAll @IntRange(min = -20, max = 20) int exponent,
            @ForAll long seed) {
        // A power of two scales exactly; eps is what knows about scale.
        OptimizerSettings settings = settings(rankOne, 1e-30);
        Run plain = new Run(settings, rows, columns);
        Run scaled = new Run(settings, rows, columns);
        Random random = new Random(seed);
        for (int step = 0; step < 35; step++) {
            Matrix gradient = Samples.normal(Precision.DOUBLE, rows, columns, 1, random);
            plain.step(gradient);
            gradient.scale(Math.scalb(1.0, exponent));
            scaled.step(gradient);
        }

        assertThat(Samples.relativeError(scaled.weights, plain.weights)).isLessThan(1e-6);
    }

    @Property(tries = TRIES)
    void theMomentumIsCarriedFromBasisToBasis(
            @ForAll @IntRange(min = 2, max = 8) int rows,
            @ForAll @IntRange(min = 2, max = 8) int columns,
            @ForAll long seed) {
        OptimizerSettings settings = settings(false, 1e-8);
        Run run = new Run(settings, rows, columns);
        Random random = new Random(seed);
        Matrix expected = Matrix.create(Precision.DOUBLE, rows, columns);
        for (int step = 0; step < 35; step++) {
            Matrix gradient = Samples.normal(Precision.DOUBLE, rows, columns, 1, random);
            run.step(gradient);
            if (step > 0) {
                expected.combine(1 - settings.get(Knobs.BETA1), gradient, settings.get(Knobs.BETA1));
            }
        }

        Matrix half = Matrix.create(Precision.DOUBLE, rows, columns);
        Matrix momentum = Matrix.create(Precision.DOUBLE, rows, columns);
        half.multiply(1, run.arena.tensor("leftBasis"), false, run.arena.tensor("momentum"), false, 0);
        momentum.multiply(1, half, false, run.arena.tensor("rightBasis"), true, 0);
        assertThat(Samples.relativeError(momentum, expected)).isLessThan(ROUNDING);
    }

    @Property(tries = TRIES)
    void aFailedDecompositionChangesNothing(@ForAll long seed) {
        Run run = new Run(settings(false, 1e-8), 4, 3);
        Random random = new Random(seed);
        for (int step = 0; step < 5; step++) {
            run.step(Samples.normal(Precision.DOUBLE, 4, 3, 1, random));
        }
        String before = run.arena.digest();

        run.optimizer.install(
                run.state,
                RefreshTask.LEFT,
                new Decomposition(false, Matrix.create(Precision.DOUBLE, 4, 4), new double[0], new int[0]));

        assertThat(run.arena.digest()).isEqualTo(before);
    }

    private static OptimizerSettings settings(boolean rankOne, double epsilon) {
        return OptimizerSettings.defaults("dykaf")
                .with(Knobs.EPSILON, epsilon)
                .with(Knobs.REFRESH_INTERVAL, 5)
                .with(DyKAF.RANK_ONE_SECOND_MOMENT, rankOne);
    }

    private static final class Run {
        final Optimizer optimizer;
        final EigenRefresh refresh = new EigenRefresh(Precision.DOUBLE);
        final Arena arena;
        final LayerState state;
        final Matrix weights;

        Run(OptimizerSettings settings, int rows, int columns) {
            optimizer = Optimizers.create(settings, Precision.DOUBLE);
            Memory memory = optimizer.memory(rows, columns);
            arena = new Arena(Precision.DOUBLE, memory.tensors(), memory.counters());
            state = new LayerState(arena, "");
            weights = Matrix.create(Precision.DOUBLE, rows, columns);
        }

        void step(Matrix gradient) {
            optimizer.step(new LayerGradient(gradient), weights, state);
            for (RefreshTask task : optimizer.due(state)) {
                optimizer.install(state, task.side(), refresh.compute(task));
            }
        }

        /** Installs the present basis with its columns in another order. */
        void reorder(int side, int size, Random random) {
            List<Integer> order =
                    new ArrayList<>(IntStream.range(0, size).boxed().toList());
            Collections.shuffle(order, random);
            Matrix basis = arena.tensor(side == RefreshTask.LEFT ? "leftBasis" : "rightBasis");
            Matrix reordered = Matrix.create(Precision.DOUBLE, size, size);
            int[] permutation = new int[size];
            for (int j = 0; j < size; j++) {
                permutation[j] = order.get(j);
                for (int i = 0; i < size; i++) {
                    reordered.set(i, j, basis.get(i, permutation[j]));
                }
            }
            optimizer.install(state, side, new Decomposition(true, reordered, new double[0], permutation));
        }
    }
}
