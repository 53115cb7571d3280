// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

/** The cubic work that is done on a factor X. */
public enum RefreshMethod {
    /** One step of orthogonal iteration from the present basis: {@code qr(X Q_sorted)}. */
    QR_ITERATION(3),
    /** A full symmetric eigendecomposition, eigenvalues descending. */
    EIGENDECOMPOSITION(4),
    /** {@code (X + shift I)^-1}, for X + shift I positive definite. */
    INVERSE(1),
    /**
     * {@code (X + shift I)^exponent}, after raising eigenvalues of X below zero to zero all alike,
     * and those within rounding of zero to the size of that.
     */
    POWER(4.5),
    /**
     * K and s with {@code K^T (X + shift I) K = I} and {@code K^T Y K = diag(s)}, s descending, for the partner Y: the
     * eigenvectors of a pair of symmetric matrices, the first positive definite.
     */
    PAIR(9);

    private final double weight;

    /** @param weight how much longer it takes than an inverse, as measured between n = 64 and n = 512 */
    RefreshMethod(double weight) {
        this.weight = weight;
    }

    /** What it costs on a factor with n rows, in units of what an inverse costs per {@code n^3}. */
    public double cost(int n) {
        return weight * n * n * n;
    }

    /** Whether it starts from the present basis. */
    public boolean needsBasis() {
        return this == QR_ITERATION;
    }

    /** Whether it needs a second matrix. */
    public boolean needsPartner() {
        return this == PAIR;
    }

    /** Whether its result comes with eigenvalues. */
    public boolean givesEigenvalues() {
        return this == EIGENDECOMPOSITION || this == PAIR;
    }
}
