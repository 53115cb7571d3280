// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A layer in blocks is as many layers. */
class BlockedTest {
    private static final int ROWS = 7;
    private static final int COLUMNS = 5;
    private static final int STEPS = 25;

    @ParameterizedTest
    @EnumSource(Precision.class)
    void blocksLearnAsLayersOfTheirOwn(Precision precision) {
        OptimizerSettings settings = OptimizerSettings.defaults("shampoo")
                .with(Knobs.REFRESH_INTERVAL, 5)
                .with(Blocked.BLOCK_SIZE, 3);
        // 7 rows in blocks of 2, 2, 3; 5 columns in blocks of 2, 3
        int[] rows = {0, 2, 4, 7};
        int[] columns = {0, 2, 5};
        try (Layer whole = new Layer(settings, precision, ROWS, COLUMNS)) {
            assertThat(whole.optimizer.sides(ROWS, COLUMNS)).hasSize(12);
            whole.learn(0, ROWS, 0, COLUMNS);
            for (int i = 0; i + 1 < rows.length; i++) {
                for (int j = 0; j + 1 < columns.length; j++) {
                    int height = rows[i + 1] - rows[i];
                    int width = columns[j + 1] - columns[j];
                    try (Layer block = new Layer(settings, precision, height, width)) {
                        block.learn(rows[i], rows[i + 1], columns[j], columns[j + 1]);
                        for (int row = 0; row < height; row++) {
                            for (int column = 0; column < width; column++) {
                                assertThat(whole.weights.get(rows[i] + row, columns[j] + column))
                                        .isEqualTo(block.weights.get(row, column));
                            }
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aLayerWithinTheLimitHasNoBlocks(Precision precision) {
        OptimizerSettings settings = OptimizerSettings.defaults("shampoo");
        try (Layer layer = new Layer(settings, precision, ROWS, COLUMNS)) {
            assertThat(layer.optimizer.sides(ROWS, COLUMNS)).isEqualTo(List.of(RefreshTask.LEFT, RefreshTask.RIGHT));
            assertThat(layer.arena.counters()).noneMatch(name -> name.contains("block"));
        }
    }

    private static final class Layer implements AutoCloseable {
        final Optimizer optimizer;
        final EigenRefresh refresh;
        final Arena arena;
        final LayerState state;
        final Matrix weights;

        Layer(OptimizerSettings settings, Precision precision, int rows, int columns) {
            optimizer = Optimizers.create(settings, precision);
            refresh = new EigenRefresh(precision);
            Memory memory = optimizer.memory(rows, columns);
            arena = new Arena(precision, memory.tensors(), memory.counters());
            state = new LayerState(arena, "");
            weights = Matrix.create(precision, rows, columns);
        }

        /** From a part of each gradient. */
        void learn(int fromRow, int toRow, int fromColumn, int toColumn) {
            for (int step = 0; step < STEPS; step++) {
                Matrix all = Samples.normal(weights.precision(), ROWS, COLUMNS, 1, new Random(step));
                Matrix part = Matrix.create(weights.precision(), toRow - fromRow, toColumn - fromColumn);
                for (int i = fromRow; i < toRow; i++) {
                    for (int j = fromColumn; j < toColumn; j++) {
                        part.set(i - fromRow, j - fromColumn, all.get(i, j));
                    }
                }
                optimizer.step(new LayerGradient(part), weights, state);
                for (RefreshTask task : optimizer.due(state)) {
                    optimizer.install(state, task.side(), refresh.compute(task));
                }
            }
        }

        @Override
        public void close() {
            optimizer.close();
            refresh.close();
            arena.close();
        }
    }
}
