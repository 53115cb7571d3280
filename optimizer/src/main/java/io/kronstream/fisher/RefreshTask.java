// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;

/**
 * A side whose eigenbasis is due. The matrices are live views of the optimizer's state: copy them before the next step
 * if the work is done later.
 *
 * @param side 0 for the left (output) factor, 1 for the right (input) factor
 * @param method how to refresh
 * @param factor symmetric, n x n
 * @param basis present basis, n x n, eigenvectors as columns
 */
public record RefreshTask(int side, RefreshMethod method, Matrix factor, Matrix basis) {
    public static final int LEFT = 0;
    public static final int RIGHT = 1;
}
