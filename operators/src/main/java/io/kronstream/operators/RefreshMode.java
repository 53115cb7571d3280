// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.fisher.RefreshMethod;

/** Where refreshes are computed. The result is the same, bit for bit. */
public enum RefreshMode {
    /** Small ones in TRAIN, where they cost less than the way to EIGEN-REFRESH and back, the others there. */
    AUTO,
    /** In TRAIN, as soon as they are asked for. */
    INLINE,
    /** In EIGEN-REFRESH, which answers through the channel. */
    REMOTE;

    /**
     * The {@linkplain RefreshMethod#cost cost} up to which a refresh is small: that of a QR iteration of 96 rows, or of
     * an eigendecomposition of 87. Measured on a core of a Xeon at 2.5 GHz: such a QR iteration takes 0.8 ms, and the way
     * through Flink and Kafka and back 1.7 ms of processor time, spread over TRAIN, EIGEN-REFRESH, the broker and their
     * clients.
     */
    static final double LARGEST_SMALL_COST = RefreshMethod.QR_ITERATION.cost(96);

    /** Whether TRAIN computes this on a factor with so many rows. */
    boolean isInline(RefreshMethod method, int size) {
        return this == INLINE || this == AUTO && method.cost(size) <= LARGEST_SMALL_COST;
    }
}
