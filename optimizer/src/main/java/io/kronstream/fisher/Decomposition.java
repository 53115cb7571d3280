// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import io.kronstream.linalg.Matrix;

/**
 * Result of a {@link RefreshTask}.
 *
 * @param succeeded false when it failed even in double precision; the other components then mean nothing
 * @param basis new basis, eigenvectors as columns; scratch memory, valid until the next computation
 * @param permutation column j of the new basis continues column {@code permutation[j]} of the basis in the task
 */
public record Decomposition(boolean succeeded, Matrix basis, int[] permutation) {}
