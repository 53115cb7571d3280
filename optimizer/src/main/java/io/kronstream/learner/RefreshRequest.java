// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.fisher.RefreshMethod;

/**
 * The cubic work of one factor, as a value that another machine can do. Arrays are never changed after construction.
 *
 * @param model id of the model
 * @param layer index of the layer, from 0
 * @param side 0 for the left (output) factor, 1 for the right (input) factor
 * @param version how many refreshes of this side were asked for, this one included
 * @param step the optimizer step after which it was asked for
 * @param configuration digest of the learner's configuration
 * @param fingerprint numerics fingerprint of the asking process
 * @param method what is asked for
 * @param size n, the side's length
 * @param shift added to the factor's diagonal
 * @param exponent of a power; else 0
 * @param factor upper triangle of the n x n factor, row by row, n (n + 1) / 2 values
 * @param partner a second symmetric matrix in the same form; empty where the method needs none
 * @param basis present basis, n x n row-major, eigenvectors as columns; empty where the method needs none
 */
public record RefreshRequest(
        String model,
        int layer,
        int side,
        long version,
        long step,
        String configuration,
        String fingerprint,
        RefreshMethod method,
        int size,
        double shift,
        double exponent,
        float[] factor,
        float[] partner,
        float[] basis) {}
