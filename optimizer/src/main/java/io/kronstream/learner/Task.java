// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

/** What is predicted. */
public enum Task {
    /** A real number; squared loss. */
    REGRESSION,
    /** A label 0 or 1; logistic loss. */
    BINARY,
    /** One of several classes; softmax cross-entropy. */
    CLASSIFICATION
}
