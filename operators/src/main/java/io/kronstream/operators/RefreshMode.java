// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

/** Where refreshes are computed. The result is the same, bit for bit. */
public enum RefreshMode {
    /** In TRAIN, as soon as they are asked for. */
    INLINE,
    /** In EIGEN-REFRESH, which answers through the channel. */
    REMOTE
}
