// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts layers with a side beyond a limit into blocks of near-equal size, each a layer of its own to the optimizer within,
 * so that no factor is larger than the limit. Cubic work on blocks of side b instead of a side s costs {@code (b / s)^2}
 * of it, and the factors' memory {@code b / s} of it; what is lost is the curvature between blocks.
 *
 * <p>Block i of a layer, counted row by row, has its state under {@code blocki.} and the sides {@code 2 i} and {@code 2 i +
 * 1}; {@code blocks} says how many there are. A layer within the limit is one block and has no prefix.
 *
 * <p>Reference: the blocking of Distributed Shampoo, Shi et al. 2023, arXiv 2309.06497.
 */
final class Blocked implements Optimizer {
    static final Knob<Integer> BLOCK_SIZE = Knob.count(
                    "block-size",
                    1,
                    1024,
                    "Longest side of a factor; longer sides are cut into blocks, which bounds cubic work and memory.")
            .structural();

    private static final String BLOCKS = "blocks";
    private static final int SIDES = 2;

    private final Optimizer optimizer;
    private final int size;

    private record Block(int index, int row, int rows, int column, int columns) {}

    Blocked(Optimizer optimizer, OptimizerSettings settings) {
        this.optimizer = optimizer;
        this.size = settings.get(BLOCK_SIZE);
    }

    /** Row by row; one block if both sides are within the limit. */
    private List<Block> blocks(int rows, int columns) {
        int down = (rows + size - 1) / size;
        int across = (columns + size - 1) / size;
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < down; i++) {
            int row = (int) ((long) rows * i / down);
            int nextRow = (int) ((long) rows * (i + 1) / down);
            for (int j = 0; j < across; j++) {
                int column = (int) ((long) columns * j / across);
                int nextColumn = (int) ((long) columns * (j + 1) / across);
                blocks.add(new Block(blocks.size(), row, nextRow - row, column, nextColumn - column));
            }
        }
        return blocks;
    }

    private static LayerState part(LayerState layer, int block) {
        return layer.hasCounter(BLOCKS) ? layer.within(prefix(block)) : layer;
    }

    private static String prefix(int block) {
        return "block" + block + ".";
    }

    @Override
    public String name() {
        return optimizer.name();
    }

    @Override
    public Memory memory(int rows, int columns) {
        List<Block> blocks = blocks(rows, columns);
        if (blocks.size() == 1) {
            return optimizer.memory(rows, columns);
        }
        List<TensorSpec> tensors = new ArrayList<>();
        List<String> counters = new ArrayList<>();
        counters.add(BLOCKS);
        for (Block block : blocks) {
            Memory memory = optimizer.memory(block.rows, block.columns);
            memory.tensors().forEach(tensor -> tensors.add(tensor.prefixed(prefix(block.index))));
            memory.counters().forEach(counter -> counters.add(prefix(block.index) + counter));
        }
        return new Memory(tensors, counters);
    }

    @Override
    public void step(LayerGradient layer, Matrix parameters, LayerState state) {
        List<Block> blocks = blocks(parameters.rows(), parameters.columns());
        if (blocks.size() == 1) {
            optimizer.step(layer, parameters, state);
            return;
        }
        state.setCounter(BLOCKS, blocks.size());
        for (Block block : blocks) {
            optimizer.step(
                    layer.block(block.row, block.rows, block.column, block.columns),
                    parameters.block(block.row, block.rows, block.column, block.columns),
                    part(state, block.index));
        }
    }

    @Override
    public List<Integer> sides(int rows, int columns) {
        List<Integer> sides = new ArrayList<>();
        for (Block block : blocks(rows, columns)) {
            for (int side : optimizer.sides(block.rows, block.columns)) {
                sides.add(SIDES * block.index + side);
            }
        }
        return sides;
    }

    @Override
    public int sideLength(int rows, int columns, int side) {
        Block block = blocks(rows, columns).get(side / SIDES);
        return optimizer.sideLength(block.rows, block.columns, side % SIDES);
    }

    @Override
    public RefreshTask task(LayerState state, int side) {
        return optimizer.task(part(state, side / SIDES), side % SIDES).onSide(side);
    }

    @Override
    public List<RefreshTask> due(LayerState state) {
        if (!state.hasCounter(BLOCKS)) {
            return optimizer.due(state);
        }
        List<RefreshTask> due = new ArrayList<>();
        for (int block = 0; block < state.counter(BLOCKS); block++) {
            for (RefreshTask task : optimizer.due(part(state, block))) {
                due.add(task.onSide(SIDES * block + task.side()));
            }
        }
        return due;
    }

    @Override
    public void install(LayerState state, int side, Decomposition decomposition) {
        optimizer.install(part(state, side / SIDES), side % SIDES, decomposition);
    }

    @Override
    public void close() {
        optimizer.close();
    }
}
