// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

/** A source of random numbers; who wants to repeat a run gives it a seed. */
public interface Noise {
    /** Uniform in [0, 1). */
    double nextDouble();

    /** Normal, with mean 0 and variance 1. */
    double nextNormal();
}
