// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.streams;

/** Steele, Lea and Flood's SplitMix64 (OOPSLA 2014): value i, from 1, is {@code mix(seed + i * GAMMA)}. */
final class SplitMix64 {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private long state;

    /** Independent sequences for the same seed have different names. */
    SplitMix64(long seed, String name) {
        this.state = mix(seed ^ name.hashCode() * GAMMA);
    }

    /** The reference sequence of a raw seed. */
    SplitMix64(long seed) {
        this.state = seed;
    }

    long nextLong() {
        state += GAMMA;
        return mix(state);
    }

    /** Uniform in [0, 1), 53 bits. */
    double nextDouble() {
        return (nextLong() >>> 11) * 0x1p-53;
    }

    /** Uniform in 0 .. bound - 1, for bounds far below 2^53. */
    int nextInt(int bound) {
        return (int) (nextDouble() * bound);
    }

    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
