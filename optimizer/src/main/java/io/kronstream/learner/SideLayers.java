// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.Architecture;
import io.kronstream.network.LayerShape;
import io.kronstream.network.Network;
import io.kronstream.network.RowGradient;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.LayerState;
import io.kronstream.optimizers.Memory;
import io.kronstream.optimizers.Optimizer;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import io.kronstream.optimizers.RowOptimizer;
import java.util.ArrayList;
import java.util.List;

/**
 * The layers of a network that are not for the matrix method: gains and biases of layer norms, which Adam learns, and
 * embedding tables, which a row-wise method learns. Serves all learners of a factory.
 */
final class SideLayers implements AutoCloseable {
    /** Standard deviation of a table's vectors at the start; the weights start at 0. */
    private static final double TABLE_DEVIATION = 0.05;

    private static final String WEIGHTS = "weights";

    private final Network network;
    private final Architecture architecture;
    private final Optimizer vectors;
    private final RowOptimizer rows;
    private final int firstSide;

    SideLayers(LearnerSettings settings, Architecture architecture, Network network) {
        NetworkSettings own = settings.network();
        this.network = network;
        this.architecture = architecture;
        this.vectors = Optimizers.create(
                OptimizerSettings.defaults("adam").with(Knobs.LEARNING_RATE, own.vectorRate()), Precision.FLOAT);
        this.rows = own.rowMethod().create(own.rowRate(), settings.optimizer());
        this.firstSide = network.shapes().size();
    }

    private static String norm(int norm) {
        return "norm" + norm + ".";
    }

    private String table(int table) {
        return "embedding." + architecture.embeddings().get(table).name() + ".";
    }

    /** Names the tensors and counters of all of them, the parameters among them twice. */
    void declare(List<TensorSpec> tensors, List<String> parameters, List<String> counters) {
        for (int i = 0; i < network.norms().size(); i++) {
            LayerShape shape = network.norms().get(i);
            declare(norm(i), shape, vectors.memory(shape.rows(), shape.columns()), tensors, parameters, counters);
        }
        for (int i = 0; i < network.tables().size(); i++) {
            LayerShape shape = network.tables().get(i);
            declare(table(i), shape, rows.memory(shape.rows(), shape.columns()), tensors, parameters, counters);
        }
    }

    private static void declare(
            String prefix,
            LayerShape shape,
            Memory memory,
            List<TensorSpec> tensors,
            List<String> parameters,
            List<String> counters) {
        parameters.add(prefix + WEIGHTS);
        tensors.add(TensorSpec.dense(prefix + WEIGHTS, shape.rows(), shape.columns()));
        memory.tensors().forEach(tensor -> tensors.add(tensor.prefixed(prefix)));
        memory.counters().forEach(counter -> counters.add(prefix + counter));
    }

    /** The parameters of all of them, as they follow the dense layers'. */
    List<Matrix> parameters(Arena arena) {
        List<Matrix> parameters = new ArrayList<>();
        for (int i = 0; i < network.norms().size(); i++) {
            parameters.add(arena.tensor(norm(i) + WEIGHTS));
        }
        for (int i = 0; i < network.tables().size(); i++) {
            parameters.add(arena.tensor(table(i) + WEIGHTS));
        }
        return parameters;
    }

    /** Gains 1, biases 0; vectors normal with a small deviation, weights 0. */
    void initialise(Arena arena, long seed, String model) {
        for (int i = 0; i < network.norms().size(); i++) {
            Matrix weights = arena.tensor(norm(i) + WEIGHTS);
            for (int unit = 0; unit < weights.rows(); unit++) {
                weights.set(unit, 0, 1);
            }
            arena.markDirty(norm(i) + WEIGHTS);
        }
        for (int i = 0; i < network.tables().size(); i++) {
            Matrix weights = arena.tensor(table(i) + WEIGHTS);
            SplitMix64 random = new SplitMix64(seed, model + "/" + table(i));
            double[] row = new double[weights.columns()];
            for (int id = 0; id < weights.rows(); id++) {
                for (int j = 0; j < architecture.embeddings().get(i).width(); j++) {
                    row[j] = TABLE_DEVIATION * random.nextNormal();
                }
                weights.write(id * row.length, row, 0, row.length);
            }
            arena.markDirty(table(i) + WEIGHTS);
        }
    }

    /** Whether their gradients of the last backward pass may be learned. */
    boolean isFinite() {
        for (int i = 0; i < network.norms().size(); i++) {
            if (!network.normGradient(i).isFinite()) {
                return false;
            }
        }
        for (int i = 0; i < network.tables().size(); i++) {
            if (!network.rowGradient(i).isFinite()) {
                return false;
            }
        }
        return true;
    }

    /** Learns them from the last backward pass. */
    void step(Arena arena) {
        for (int i = 0; i < network.norms().size(); i++) {
            vectors.step(network.normGradient(i), arena.tensor(norm(i) + WEIGHTS), new LayerState(arena, norm(i)));
            arena.markDirty(norm(i) + WEIGHTS);
        }
        for (int i = 0; i < network.tables().size(); i++) {
            RowGradient gradient = network.rowGradient(i);
            rows.step(gradient, arena.tensor(table(i) + WEIGHTS), new LayerState(arena, table(i)));
            for (int row = 0; row < gradient.count(); row++) {
                arena.markRowDirty(table(i) + WEIGHTS, gradient.row(row));
            }
        }
    }

    @Override
    public void close() {
        vectors.close();
    }
}
