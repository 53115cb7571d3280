// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.nio.charset.StandardCharsets;

/** The splitmix64 generator (Steele, Lea and Flood 2014): a seed determines the sequence, everywhere. */
final class SplitMix64 {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private long state;

    SplitMix64(long seed) {
        state = seed;
    }

    /** A generator for one purpose of one model: no two of them share a sequence. */
    static SplitMix64 of(long seed, String model, int purpose) {
        long hash = 0xCBF29CE484222325L;
        for (byte b : model.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xFF)) * 0x100000001B3L;
        }
        return new SplitMix64(mix(seed + mix(hash + mix(purpose))));
    }

    long next() {
        state += GAMMA;
        return mix(state);
    }

    /** Uniform in [0, 1), 53 bits. */
    double uniform() {
        return (next() >>> 11) * 0x1.0p-53;
    }

    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
