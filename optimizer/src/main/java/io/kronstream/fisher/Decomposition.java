// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;

/**
 * Result of a {@link RefreshTask}.
 *
 * @param succeeded false when it failed even in double precision; the other components then mean nothing
 * @param matrix new basis, eigenvectors as columns, or the inverse or power; scratch memory, valid until the next
 *     computation
 * @param eigenvalues one for each column, descending; empty where the method gives none
 * @param permutation column j of the new basis continues column {@code permutation[j]} of the basis in the task; where
 *     there is none, the identity
 */
public record Decomposition(boolean succeeded, Matrix matrix, double[] eigenvalues, int[] permutation) {}
