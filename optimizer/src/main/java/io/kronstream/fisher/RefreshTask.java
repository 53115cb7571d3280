// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;

/**
 * A side of a layer whose cubic work is due. The matrices are live views of the optimizer's state: copy them before the
 * next step if the work is done later.
 *
 * @param side 0 for the left (output) factor, 1 for the right (input) factor; of block i of a layer in blocks {@code 2 i}
 *     and {@code 2 i + 1}
 * @param method what is to be done
 * @param factor symmetric, n x n
 * @param partner second symmetric n x n matrix of {@link RefreshMethod#PAIR}, else null
 * @param basis present basis, n x n, eigenvectors as columns; null where the method needs none
 * @param shift added to the factor's diagonal; 0 for none
 * @param exponent of {@link RefreshMethod#POWER}, else 0
 */
public record RefreshTask(
        int side, RefreshMethod method, Matrix factor, Matrix partner, Matrix basis, double shift, double exponent) {
    public static final int LEFT = 0;
    public static final int RIGHT = 1;

    /** An eigenbasis, from the present one or anew. */
    public static RefreshTask basis(int side, RefreshMethod method, Matrix factor, Matrix basis) {
        return new RefreshTask(side, method, factor, null, basis, 0, 0);
    }

    public static RefreshTask inverse(int side, Matrix factor, double shift) {
        return new RefreshTask(side, RefreshMethod.INVERSE, factor, null, null, shift, 0);
    }

    public static RefreshTask power(int side, Matrix factor, double shift, double exponent) {
        return new RefreshTask(side, RefreshMethod.POWER, factor, null, null, shift, exponent);
    }

    public static RefreshTask pair(int side, Matrix factor, double shift, Matrix partner) {
        return new RefreshTask(side, RefreshMethod.PAIR, factor, partner, null, shift, 0);
    }

    /** The same work for another side. */
    public RefreshTask onSide(int other) {
        return other == side ? this : new RefreshTask(other, method, factor, partner, basis, shift, exponent);
    }
}
