// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.network.LayerGradient;
import io.kronstream.network.Network;
import io.kronstream.optimizers.LayerState;
import io.kronstream.optimizers.Optimizer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** The parameters of one model: how they start, predict a mini-batch, and learn from one. */
final class ModelNetwork {
    private LearnerFactory shared;
    private final String model;
    private final Arena arena;
    /** Of the dense layers, and then of the others. */
    private final List<Matrix> parameters = new ArrayList<>();

    /** Of the dense layers, which the optimizer learns. */
    private final List<Matrix> matrices;

    private final List<LayerState> layers = new ArrayList<>();

    ModelNetwork(LearnerFactory shared, String model, Arena arena) {
        this.shared = shared;
        this.model = model;
        this.arena = arena;
        for (int layer = 0; layer < shared.network().shapes().size(); layer++) {
            parameters.add(arena.tensor(weightsTensor(layer)));
            layers.add(new LayerState(arena, layerPrefix(layer)));
        }
        this.matrices = List.copyOf(parameters);
        parameters.addAll(shared.sideLayers().parameters(arena));
    }

    /** Goes on with other values of the options. */
    void use(LearnerFactory other) {
        shared = other;
    }

    static String layerPrefix(int layer) {
        return "layer" + layer + ".";
    }

    static String weightsTensor(int layer) {
        return layerPrefix(layer) + "weights";
    }

    /** What the optimizer remembers of each dense layer. */
    List<LayerState> layers() {
        return layers;
    }

    /** Of dense layers weights and biases uniform in +-1/sqrt(inputs of the layer), as PyTorch's dense layers start. */
    void initialise() {
        long seed = shared.settings().seed();
        for (int layer = 0; layer < matrices.size(); layer++) {
            Matrix weights = matrices.get(layer);
            SplitMix64 random = new SplitMix64(seed, model + "/" + layerPrefix(layer));
            double bound = 1 / Math.sqrt(Math.max(1, weights.columns() - 1));
            float[] row = new float[weights.columns()];
            for (int i = 0; i < weights.rows(); i++) {
                for (int j = 0; j < row.length; j++) {
                    row[j] = (float) ((2 * random.nextDouble() - 1) * bound);
                }
                weights.write(i * row.length, row, 0, row.length);
            }
            arena.markDirty(weightsTensor(layer));
        }
        shared.sideLayers().initialise(arena, seed, model);
    }

    /** The parameters that whoever is served gets: matrices as the optimizer has them, norms and tables as they are. */
    List<Matrix> published() {
        List<Matrix> published = new ArrayList<>();
        for (int layer = 0; layer < parameters.size(); layer++) {
            Matrix weights = parameters.get(layer);
            boolean matrix = layer < layers.size();
            published.add(matrix ? shared.optimizer().published(weights, layers.get(layer)) : weights);
        }
        return published;
    }

    /** Predicts those instances that have no prediction yet. */
    void predict(MiniBatch batch, long step) {
        int rows = fill(batch);
        shared.network().forward(shared.optimizer().predictsWithPublished() ? published() : parameters, rows);
        record(batch, step);
    }

    /**
     * Predicts those instances that have no prediction yet, and learns from all of them.
     *
     * @param step steps taken before this one
     * @return the mean loss before the step, weighted as the examples are; empty if the loss or a gradient is not finite, and nothing was learned
     */
    OptionalDouble learn(MiniBatch batch, long step) {
        Network network = shared.network();
        Optimizer optimizer = shared.optimizer();
        long seed = shared.settings().seed();
        int rows = fill(batch);
        if (optimizer.predictsWithPublished()) {
            network.forward(published(), rows);
            record(batch, step);
        }
        network.forward(parameters, rows);
        record(batch, step);
        double[] targets = shared.targets();
        double[] weights = new double[rows];
        for (int row = 0; row < rows; row++) {
            Instance instance = batch.instances.get(row);
            targets[row] = shared.objective().target(instance);
            weights[row] = instance.weight;
        }
        double loss = network.backward(parameters, targets, weights, rows);
        if (!finite(loss)) {
            return OptionalDouble.empty();
        }
        if (optimizer.wantsSamples(layers.get(0))) {
            network.backwardSampled(parameters, new SplitMix64(seed, model + "/samples/" + step), rows);
        }
        if (optimizer.wantsHessian()) {
            network.backwardHessian(parameters, new SplitMix64(seed, model + "/hessian/" + step), rows);
        }
        List<LayerGradient> gradients = new ArrayList<>();
        for (int layer = 0; layer < layers.size(); layer++) {
            gradients.add(network.gradient(layer));
            arena.markDirty(weightsTensor(layer));
        }
        optimizer.step(gradients, matrices, layers);
        if (optimizer.wantsLossAfter(layers.get(0))) {
            network.forward(parameters, rows);
            optimizer.judge(loss, network.loss(targets, rows), layers);
        }
        shared.sideLayers().step(arena);
        return OptionalDouble.of(loss);
    }

    private int fill(MiniBatch batch) {
        Network network = shared.network();
        int rows = batch.instances.size();
        for (int row = 0; row < rows; row++) {
            network.setInput(row, batch.instances.get(row).inputs);
            network.setIds(row, batch.instances.get(row).ids);
        }
        return rows;
    }

    private void record(MiniBatch batch, long step) {
        for (int row = 0; row < batch.instances.size(); row++) {
            Instance instance = batch.instances.get(row);
            if (!instance.predicted()) {
                instance.output = shared.objective().output(instance, shared.network(), row);
                instance.outputStep = step;
            }
        }
    }

    private boolean finite(double loss) {
        if (!Double.isFinite(loss)) {
            return false;
        }
        for (int layer = 0; layer < layers.size(); layer++) {
            if (!shared.network().gradient(layer).isFinite()) {
                return false;
            }
        }
        return shared.sideLayers().isFinite();
    }
}
