// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

/** Elementary functions in single precision by arithmetic alone, equal on every machine, in loops that vectorise. */
final class ActivationMath {
    private static final float LOG2_E = 1.44269504f;
    /** ln 2 in two parts; the first has so few bits that its product with any exponent is exact. */
    private static final float LN2_HIGH = 0.693359375f;

    private static final float LN2_LOW = -2.12194440e-4f;
    /** Added and subtracted, it rounds to the nearest integer. */
    private static final float ROUND = 0x1.8p23f;

    /** The exponential of a smaller number is taken as that of this one: it is still a normal number. */
    private static final float SMALLEST_EXPONENT = -87;

    private static final float LARGEST_EXPONENT = 88;

    private ActivationMath() {}

    /**
     * The hyperbolic tangent: Lambert's continued fraction of x/4, cut to degree 5 over 4, doubled twice by {@code tanh 2y =
     * 2 tanh y / (1 + tanh^2 y)}. Off by less than 4 units in the last place.
     */
    static float tanh(float x) {
        // Beyond 9.02 the nearest float is 1.
        float y = 0.25f * Math.min(9.02f, Math.max(-9.02f, x));
        float s = y * y;
        float numerator = y * (945 + s * (105 + s));
        float denominator = 945 + s * (420 + s * 15);
        float half = doubled(numerator / denominator);
        return Math.min(1, Math.max(-1, doubled(half)));
    }

    private static float doubled(float t) {
        return (t + t) / (1 + t * t);
    }

    /**
     * The exponential of a number in [-87, 88]; of one beyond, that of the nearer end. {@code 2^k exp(r)} with {@code |r| <=
     * ln(2)/2} and Taylor's polynomial of degree 7. Off by less than 2 units in the last place.
     */
    static float exp(float x) {
        float bounded = Math.min(LARGEST_EXPONENT, Math.max(SMALLEST_EXPONENT, x));
        float k = bounded * LOG2_E + ROUND - ROUND;
        float r = bounded - k * LN2_HIGH - k * LN2_LOW;
        float p = 1f / 5040;
        p = p * r + 1f / 720;
        p = p * r + 1f / 120;
        p = p * r + 1f / 24;
        p = p * r + 1f / 6;
        p = p * r + 0.5f;
        p = p * r * r + r;
        return (1 + p) * Float.intBitsToFloat((int) k + 127 << 23);
    }

    /** {@code 1 / (1 + exp(-x))}; not a number of one that is none. Off by less than 4 units in the last place above -87. */
    static float sigmoid(float x) {
        return 1 / (1 + exp(-x));
    }
}
