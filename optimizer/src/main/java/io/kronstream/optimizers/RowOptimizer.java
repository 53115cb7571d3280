// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Matrix;
import io.kronstream.network.RowGradient;

/**
 * Learns an embedding table from the rows that a mini-batch touched: no other row is read or written, of the table or of
 * what it remembers. As for an {@link Optimizer}, all that it remembers is in the state.
 */
public interface RowOptimizer {

    /** What it remembers of a table of this shape. */
    Memory memory(int rows, int columns);

    /**
     * Changes the touched rows of the table and of the state, and marks the state's changed rows dirty; the table's owner
     * marks those. The gradient is {@linkplain RowGradient#isFinite() finite}.
     */
    void step(RowGradient gradient, Matrix table, LayerState state);
}
