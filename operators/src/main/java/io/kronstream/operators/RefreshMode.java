// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

/** Where refreshes are computed. The result is the same, bit for bit. */
public enum RefreshMode {
    /** Small ones in TRAIN, where they cost less than the way to EIGEN-REFRESH and back, the others there. */
    AUTO,
    /** In TRAIN, as soon as they are asked for. */
    INLINE,
    /** In EIGEN-REFRESH, which answers through the channel. */
    REMOTE;

    /** Longest side of a factor whose refresh costs TRAIN no more than packing it up and taking the answer. */
    static final int LARGEST_SMALL_SIDE = 64;

    /** Whether the refresh of a factor with this side is computed in TRAIN. */
    boolean isInline(int side) {
        return this == INLINE || this == AUTO && side <= LARGEST_SMALL_SIDE;
    }
}
