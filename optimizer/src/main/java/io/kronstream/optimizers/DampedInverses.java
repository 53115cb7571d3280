// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.TensorSpec;
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

    /** {@code direction = leftInverse gradient rightInverse}; the product is scratch memory of the same shape. */
    static void apply(Matrix gradient, Matrix direction, Matrix product, LayerState state) {
        product.multiply(1, gradient, false, state.tensor(INVERSE[RefreshTask.RIGHT]), false, 0);
        direction.multiply(1, state.tensor(INVERSE[RefreshTask.LEFT]), false, product, false, 0);
    }
}
