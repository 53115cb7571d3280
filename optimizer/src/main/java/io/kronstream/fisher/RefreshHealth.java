// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

/**
 * What a refresh saw of its factor, for whoever watches; nothing that learns reads it. NaN is what the method does not
 * show.
 *
 * @param residual how badly the old basis fitted: {@code |offdiag(Q^T F Q)| / |F|} in Frobenius norm, from 0 to 1
 * @param conditionNumber ratio of the largest to the smallest eigenvalue by magnitude, infinite for a singular factor;
 *     after a QR iteration of the old basis' Rayleigh quotients
 * @param effectiveRank {@code exp(-sum p log p)} of the eigenvalues' magnitudes p as shares of their sum (Roy and
 *     Vetterli, The effective rank, EUSIPCO 2007): from 1 to n
 * @param rotation how far the basis turned: the mean over its columns of {@code 1 - |q_new . q_old|}, each with the column
 *     that it continues, from 0 to 1
 */
public record RefreshHealth(double residual, double conditionNumber, double effectiveRank, double rotation) {
    /** Of a refresh that failed, or whose method shows nothing. */
    public static final RefreshHealth UNKNOWN = new RefreshHealth(Double.NaN, Double.NaN, Double.NaN, Double.NaN);

    static RefreshHealth of(double residual, double[] eigenvalues, double rotation) {
        double largest = 0;
        double smallest = Double.POSITIVE_INFINITY;
        double sum = 0;
        for (double eigenvalue : eigenvalues) {
            double magnitude = Math.abs(eigenvalue);
            largest = Math.max(largest, magnitude);
            smallest = Math.min(smallest, magnitude);
            sum += magnitude;
        }
        double entropy = 0;
        for (double eigenvalue : eigenvalues) {
            double share = Math.abs(eigenvalue) / sum;
            entropy -= share > 0 ? share * StrictMath.log(share) : 0;
        }
        return sum > 0
                ? new RefreshHealth(residual, largest / smallest, StrictMath.exp(entropy), rotation)
                : new RefreshHealth(residual, Double.NaN, Double.NaN, rotation);
    }
}
