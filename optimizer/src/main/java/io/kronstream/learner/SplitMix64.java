// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.network.Noise;
import java.nio.charset.StandardCharsets;

/**
 * Steele, Lea and Flood's SplitMix64 (OOPSLA 2014): value i, from 1, is {@code mix(seed + i * GAMMA)}. A seed determines
 * the sequence, everywhere.
 */
public final class SplitMix64 implements Noise {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;
    private static final long FNV_OFFSET = 0xCBF29CE484222325L;
    private static final long FNV_PRIME = 0x100000001B3L;

    private long state;

    /** The reference sequence of a raw seed. */
    public SplitMix64(long seed) {
        state = seed;
    }

    /** Sequences of one seed and different names are independent. */
    public SplitMix64(long seed, String name) {
        long hash = FNV_OFFSET;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xFF)) * FNV_PRIME;
        }
        state = mix(seed + mix(hash));
    }

    public long nextLong() {
        state += GAMMA;
        return mix(state);
    }

    /** Uniform in [0, 1), 53 bits. */
    @Override
    public double nextDouble() {
        return (nextLong() >>> 11) * 0x1.0p-53;
    }

    /** By the cosine of Box and Muller 1958, from two uniform numbers. */
    @Override
    public double nextNormal() {
        double radius = Math.sqrt(-2 * StrictMath.log(1 - nextDouble()));
        return radius * StrictMath.cos(2 * Math.PI * nextDouble());
    }

    /** Uniform in 0 .. bound - 1, for bounds far below 2^53. */
    public int nextInt(int bound) {
        return (int) (nextDouble() * bound);
    }

    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
