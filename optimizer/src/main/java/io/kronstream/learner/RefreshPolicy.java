// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.Serializable;

/**
 * Which of the refreshes that fall due are done, and when. Other choices give other numbers, but always the same ones.
 *
 * @param tolerance a basis Q of a factor F is kept while {@code |offdiag(Q^T F Q)| <= tolerance |F|} in Frobenius norm; 0
 *     refreshes always
 * @param stagger whether the layers take turns within the interval, in place of asking all at once
 */
public record RefreshPolicy(double tolerance, boolean stagger) implements Serializable {
    /** Everything is refreshed when the optimizer says so. */
    public static final RefreshPolicy PLAIN = new RefreshPolicy(0, false);
}
