// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.GradientProducts;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;

/** The factors {@code left, right} of a Kronecker product and their damped inverses {@code leftInverse, rightInverse}. */
final class DampedInverses {
    static final String[] FACTOR = {"left", "right"};
    private static final String[] INVERSE = {"leftInverse", "rightInverse"};

    private DampedInverses() {}

    static List<TensorSpec> tensors(int rows, int columns) {
        return List.of(
                TensorSpec.symmetric(FACTOR[RefreshTask.LEFT], rows),
                TensorSpec.symmetric(FACTOR[RefreshTask.RIGHT], columns),
                TensorSpec.symmetric(INVERSE[RefreshTask.LEFT], rows),
                TensorSpec.symmetric(INVERSE[RefreshTask.RIGHT], columns));
    }

    /** The inverse of a side's factor, damped as in {@link Damping}. */
    static RefreshTask task(LayerState state, int side, double lambda) {
        Matrix left = state.tensor(FACTOR[RefreshTask.LEFT]);
        Matrix right = state.tensor(FACTOR[RefreshTask.RIGHT]);
        return RefreshTask.inverse(side, state.tensor(FACTOR[side]), Damping.shift(lambda, left, right, side));
    }

    static void install(LayerState state, int side, Matrix inverse) {
        state.tensor(INVERSE[side]).copyFrom(inverse);
        state.markDirty(INVERSE[side]);
    }

    /** Sets {@code direction = leftInverse G rightInverse}; returns its inner product with G. */
    static double apply(GradientProducts products, LayerGradient gradient, Matrix direction, LayerState state) {
        return products.betweenWithDot(
                state.tensor(INVERSE[RefreshTask.LEFT]), gradient, state.tensor(INVERSE[RefreshTask.RIGHT]), direction);
    }
}
