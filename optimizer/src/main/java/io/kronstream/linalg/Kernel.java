// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

/**
 * One fused elementwise pass over matrices of the same shape, see {@link Elementwise}. Tile {@code k} holds the same
 * {@code length} elements of operand {@code k}. Plain loops without branches, so that the compiler vectorises them; an
 * element's result must not depend on its place in a tile.
 */
public interface Kernel {
    void apply(float[][] tiles, int length);

    /** The same in double precision: the reference. */
    void apply(double[][] tiles, int length);
}
