// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Elementwise;
import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import io.kronstream.optimizers.Surroundings.Averaging;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An optimizer with {@link Surroundings}. Step k of all layers, with s the schedule's factor:
 *
 * <pre>
 *   G = G min(1, clip-norm / |G of all layers|),   entries within +-clip-value
 *   G = G + coupled-decay W
 *   W = (1 - s lr decoupled-decay) W
 *   W = W + s (the optimizer's step from W and G - W)
 *   A = d A + (1 - d) W,   d = min(average-decay, 1 - 1/k)
 * </pre>
 *
 * <p>A gradient that was changed is no longer the product of its thin factors, and says so; the factors still are the
 * statistics of the mini-batch, which curvature is made of: clipping and decay change the gradient, not the curvature.
 *
 * <p>A schedule scales the whole step that the optimizer would have made. That is the same as a changed rate wherever the
 * state does not depend on the rate; the bound of a natural gradient's length sees the full rate, and so does the
 * adaptation of damping.
 *
 * <p>A is {@code average}, k is {@code taken}.
 */
final class Surrounded implements Optimizer {
    private static final String TAKEN = "taken";
    private static final String AVERAGE = "average";

    private final Optimizer optimizer;
    private final Surroundings around;
    private final double learningRate;
    private final Precision precision;
    private final Map<Place, Matrix> gradients = new HashMap<>();
    private final Map<Place, Matrix> starts = new HashMap<>();

    /** Layers of one shape in one model need a matrix each. */
    private record Place(int layer, int rows, int columns) {}

    Surrounded(Optimizer optimizer, OptimizerSettings settings, Precision precision) {
        this.optimizer = optimizer;
        this.around = Surroundings.of(settings);
        this.learningRate = settings.get(Knobs.LEARNING_RATE);
        this.precision = precision;
    }

    @Override
    public String name() {
        return optimizer.name();
    }

    @Override
    public Memory memory(int rows, int columns) {
        Memory inner = optimizer.memory(rows, columns);
        List<TensorSpec> tensors = new ArrayList<>(inner.tensors());
        List<String> counters = new ArrayList<>(inner.counters());
        if (around.averaging() != Averaging.NONE) {
            tensors.add(TensorSpec.dense(AVERAGE, rows, columns));
        }
        if (around.countsSteps()) {
            counters.add(TAKEN);
        }
        return new Memory(tensors, counters);
    }

    @Override
    public void step(LayerGradient gradient, Matrix parameters, LayerState state) {
        step(List.of(gradient), List.of(parameters), List.of(state));
    }

    @Override
    public void step(List<LayerGradient> given, List<Matrix> parameters, List<LayerState> layers) {
        double shrink = shrink(given);
        List<LayerGradient> changed = new ArrayList<>();
        for (int layer = 0; layer < layers.size(); layer++) {
            changed.add(change(layer, given.get(layer), shrink, parameters.get(layer)));
        }
        double factor = 1;
        if (around.countsSteps()) {
            long k = layers.get(0).counter(TAKEN) + 1;
            layers.forEach(state -> state.setCounter(TAKEN, k));
            factor = around.factor(k);
        }
        for (int layer = 0; layer < layers.size(); layer++) {
            Matrix weights = parameters.get(layer);
            if (around.decoupledDecay() > 0) {
                weights.scale(1 - factor * learningRate * around.decoupledDecay());
            }
            if (factor != 1) {
                scratch(starts, layer, weights).copyFrom(weights);
            }
        }
        optimizer.step(changed, parameters, layers);
        for (int layer = 0; layer < layers.size(); layer++) {
            Matrix weights = parameters.get(layer);
            if (factor != 1) {
                Elementwise.run(new Share(factor), 1, weights, scratch(starts, layer, weights));
            }
            if (around.averaging() != Averaging.NONE) {
                average(weights, layers.get(layer));
            }
        }
    }

    /** By what the gradients of all layers are multiplied. */
    private double shrink(List<LayerGradient> given) {
        if (around.clipNorm() == 0) {
            return 1;
        }
        double square = 0;
        for (LayerGradient gradient : given) {
            square += gradient.squaredNorm();
        }
        double norm = Math.sqrt(square);
        return norm > around.clipNorm() ? around.clipNorm() / norm : 1;
    }

    private LayerGradient change(int layer, LayerGradient given, double shrink, Matrix weights) {
        if (shrink == 1 && around.clipValue() == 0 && around.coupledDecay() == 0) {
            return given;
        }
        Matrix changed = scratch(gradients, layer, weights);
        changed.copyFrom(given.gradient());
        if (shrink != 1) {
            changed.scale(shrink);
        }
        if (around.clipValue() > 0) {
            Elementwise.run(new Clip(around.clipValue()), 1, changed);
        }
        if (around.coupledDecay() > 0) {
            changed.combine(around.coupledDecay(), weights, 1);
        }
        return given.changedTo(changed);
    }

    private void average(Matrix weights, LayerState state) {
        double kept = Math.min(around.averageDecay(), 1 - 1.0 / state.counter(TAKEN));
        state.tensor(AVERAGE).combine(1 - kept, weights, kept);
        state.markDirty(AVERAGE);
    }

    private Matrix scratch(Map<Place, Matrix> all, int layer, Matrix shape) {
        return all.computeIfAbsent(
                new Place(layer, shape.rows(), shape.columns()),
                place -> Matrix.create(precision, place.rows, place.columns));
    }

    @Override
    public Matrix published(Matrix parameters, LayerState state) {
        boolean averaged = around.averaging() != Averaging.NONE && state.counter(TAKEN) > 0;
        return averaged ? state.tensor(AVERAGE) : parameters;
    }

    @Override
    public boolean predictsWithPublished() {
        return around.averaging() == Averaging.PREDICTING;
    }

    @Override
    public boolean wantsSamples(LayerState layer) {
        return optimizer.wantsSamples(layer);
    }

    @Override
    public boolean wantsHessian() {
        return optimizer.wantsHessian();
    }

    @Override
    public boolean wantsLossAfter(LayerState layer) {
        return optimizer.wantsLossAfter(layer);
    }

    @Override
    public void judge(double before, double after, List<LayerState> layers) {
        optimizer.judge(before, after, layers);
    }

    @Override
    public List<Integer> sides(int rows, int columns) {
        return optimizer.sides(rows, columns);
    }

    @Override
    public int sideLength(int rows, int columns, int side) {
        return optimizer.sideLength(rows, columns, side);
    }

    @Override
    public boolean refreshesPairs() {
        return optimizer.refreshesPairs();
    }

    @Override
    public RefreshTask task(LayerState state, int side) {
        return optimizer.task(state, side);
    }

    @Override
    public List<RefreshTask> due(LayerState state) {
        return optimizer.due(state);
    }

    @Override
    public void install(LayerState state, int side, Decomposition decomposition) {
        optimizer.install(state, side, decomposition);
    }

    @Override
    public void close() {
        optimizer.close();
        gradients.values().forEach(Matrix::close);
        starts.values().forEach(Matrix::close);
        gradients.clear();
        starts.clear();
    }

    /** On tiles of W after the step and before it; what did not move stays exactly where it is. */
    private record Share(double factor) implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] w = tiles[0];
            float[] start = tiles[1];
            float f = (float) factor;
            for (int i = 0; i < length; i++) {
                w[i] = start[i] + f * (w[i] - start[i]);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] w = tiles[0];
            double[] start = tiles[1];
            for (int i = 0; i < length; i++) {
                w[i] = start[i] + factor * (w[i] - start[i]);
            }
        }
    }

    private record Clip(double largest) implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] x = tiles[0];
            float limit = (float) largest;
            for (int i = 0; i < length; i++) {
                x[i] = Math.max(-limit, Math.min(limit, x[i]));
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] x = tiles[0];
            for (int i = 0; i < length; i++) {
                x[i] = Math.max(-largest, Math.min(largest, x[i]));
            }
        }
    }
}
