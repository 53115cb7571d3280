// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

/** How a factor's eigenbasis is brought up to date. */
public enum RefreshMethod {
    /** One step of orthogonal iteration from the present basis: {@code qr(X Q_sorted)}. */
    QR_ITERATION,
    /** A full symmetric eigendecomposition, eigenvalues descending. */
    EIGENDECOMPOSITION
}
