// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

/**
 * The result of a {@link RefreshRequest}. Arrays are never changed after construction.
 *
 * @param model id of the model
 * @param layer index of the layer
 * @param side 0 left, 1 right
 * @param version version of the request it answers
 * @param configuration configuration digest of the request
 * @param fingerprint numerics fingerprint of the process that computed it
 * @param succeeded false when the work failed even in double precision; the arrays are then empty
 * @param size n
 * @param matrix new basis, eigenvectors as columns, or inverse or power; n x n row-major
 * @param eigenvalues one for each column; empty where the method gives none
 * @param permutation column j of the new basis continues column {@code permutation[j]} of the old one
 */
public record RefreshAnswer(
        String model,
        int layer,
        int side,
        long version,
        String configuration,
        String fingerprint,
        boolean succeeded,
        int size,
        float[] matrix,
        float[] eigenvalues,
        int[] permutation) {}
