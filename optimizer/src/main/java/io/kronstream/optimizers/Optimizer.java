// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.network.LayerGradient;
import java.util.List;

/**
 * Learns a layer's parameters from its gradients. Everything it remembers is in the layer's state; the object itself
 * holds settings and scratch memory, and may serve any number of layers and models, one after the other. Not
 * thread-safe.
 *
 * <p>A parameter of one column is a vector (a layer's {@code [W | b]} always has two): it gets no eigenbases.
 */
public interface Optimizer extends AutoCloseable {
    String name();

    /** What it remembers of a layer with parameters of this shape. */
    Memory memory(int rows, int columns);

    /**
     * Changes the parameters and the state, and marks the state's changed tensors dirty; the parameters' owner marks
     * those. The gradient is {@linkplain LayerGradient#isFinite() finite}.
     */
    void step(LayerGradient gradient, Matrix parameters, LayerState state);

    /**
     * Changes a model, all layers at once; each layer on its own unless the optimizer knows better. The last layer comes
     * first: so the next forward pass finds the first one in the cache.
     *
     * @param gradients one per layer, {@linkplain #wantsSamples with samples} if wanted
     * @param parameters one per layer
     * @param layers the state of each layer
     */
    default void step(List<LayerGradient> gradients, List<Matrix> parameters, List<LayerState> layers) {
        for (int layer = layers.size() - 1; layer >= 0; layer--) {
            step(gradients.get(layer), parameters.get(layer), layers.get(layer));
        }
    }

    /**
     * Whether the coming step reads {@link LayerGradient#sampledPreActivationGradients()}.
     *
     * @param layer the state of any layer
     */
    default boolean wantsSamples(LayerState layer) {
        return false;
    }

    /** Whether steps read {@link LayerGradient#hessianProduct()}. */
    default boolean wantsHessian() {
        return false;
    }

    /**
     * Whether the step that was just taken is to be {@linkplain #judge judged} by the loss of its mini-batch after it,
     * which costs a forward pass.
     *
     * @param layer the state of any layer
     */
    default boolean wantsLossAfter(LayerState layer) {
        return false;
    }

    /**
     * Told what the last step did to the mean loss of its own mini-batch.
     *
     * @param layers the state of each layer
     */
    default void judge(double before, double after, List<LayerState> layers) {
        throw new UnsupportedOperationException(name() + " does not judge its steps");
    }

    /**
     * What a layer's parameters are to whoever is served: themselves, or a running mean of them.
     *
     * @param state of the layer
     */
    default Matrix published(Matrix parameters, LayerState state) {
        return parameters;
    }

    /** Whether predictions are made with the {@linkplain #published published} parameters; costs a forward pass. */
    default boolean predictsWithPublished() {
        return false;
    }

    /** The sides of a layer of this shape that are refreshed: 0 for left, 1 for right, or those of its blocks. */
    default List<Integer> sides(int rows, int columns) {
        return List.of();
    }

    /** Rows of the factor of one of these sides. */
    default int sideLength(int rows, int columns, int side) {
        return side == RefreshTask.LEFT ? rows : columns;
    }

    /** Whether refreshes have a {@linkplain RefreshTask#partner() partner}. */
    default boolean refreshesPairs() {
        return false;
    }

    /** What a refresh of a side would work on now, whether it is due or not. */
    default RefreshTask task(LayerState state, int side) {
        throw new UnsupportedOperationException(name() + " has nothing to refresh");
    }

    /**
     * The sides that ask for a refresh after the last step, as {@link #task} gives them. What was asked for earlier and is owed by now
     * must be installed before: a task's permutation refers to the basis that the task shows.
     */
    default List<RefreshTask> due(LayerState state) {
        return List.of();
    }

    /**
     * Puts a refresh's result in the place of the earlier one; where it is a basis, the moments are rewritten in it. One
     * that failed changes nothing.
     */
    default void install(LayerState state, int side, Decomposition decomposition) {
        throw new UnsupportedOperationException(name() + " asks for no refreshes");
    }

    @Override
    default void close() {}
}
