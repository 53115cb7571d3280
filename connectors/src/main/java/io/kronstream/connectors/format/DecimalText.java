// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import com.fasterxml.jackson.core.io.NumberOutput;

/**
 * Writes a double as decimal text that reads back as the very same double, and is a number in JSON: with a point, and with
 * an exponent where it is very large or small.
 *
 * <p>Numbers of everyday size are multiplied by a power of ten in 128 bits, without an error, and rounded to 17 digits,
 * which always tell a double from its neighbours. Where 15 digits do, they are taken; that they do is certain if one
 * correctly rounded division gives the double again (Clinger 1990). Other numbers take the library's way.
 */
public final class DecimalText {
    /** Bytes of the longest text. */
    public static final int MAX_LENGTH = 26;

    private static final double SMALLEST = 1e-5;
    private static final double LARGEST = 1e7;

    /** Digits that tell a double from its neighbours. */
    private static final int MOST_DIGITS = 17;

    private static final int MANTISSA_BITS = 52;
    private static final int EXPONENT_BIAS = 1075;
    private static final long HIDDEN_BIT = 1L << MANTISSA_BITS;

    private static final double[] POWERS_OF_TEN = new double[23]; // all exact
    private static final long[] POWERS_OF_FIVE = new long[23];
    private static final byte[] PAIRS = new byte[200];

    static {
        double ten = 1;
        long five = 1;
        for (int i = 0; i < POWERS_OF_TEN.length; i++, ten *= 10, five *= 5) {
            POWERS_OF_TEN[i] = ten;
            POWERS_OF_FIVE[i] = five;
        }
        for (int i = 0; i < 100; i++) {
            PAIRS[2 * i] = (byte) ('0' + i / 10);
            PAIRS[2 * i + 1] = (byte) ('0' + i % 10);
        }
    }

    private DecimalText() {}

    /**
     * Writes a finite number from {@code at} on; returns where its text ends.
     *
     * @param out has {@link #MAX_LENGTH} bytes left
     */
    public static int write(double value, byte[] out, int at) {
        double magnitude = Math.abs(value);
        if (!(magnitude >= SMALLEST && magnitude < LARGEST)) {
            return value == 0 && 1 / value > 0 ? digits(0, 1, 1, out, at) : library(value, out, at);
        }
        int next = at;
        if (value < 0) {
            out[next++] = '-';
        }
        int whole = (int) magnitude;
        if (whole == magnitude) {
            return digits(10L * whole, 1, before(whole), out, next);
        }
        int before = before(whole);
        int places = whole == 0 ? MOST_DIGITS : MOST_DIGITS - before;
        for (double scaled = magnitude; scaled < 0.1; scaled *= 10) {
            places++;
        }
        long scaled = scaled(magnitude, places);
        long rounded = (scaled + 50) / 100;
        if (rounded / POWERS_OF_TEN[places - 2] != magnitude) {
            return digits(
                    scaled, places, before, out, next); // as many before the point: it is never rounded up to more
        }
        places -= 2;
        while (places > 1 && rounded % 10 == 0) {
            rounded /= 10;
            places--;
        }
        return digits(rounded, places, before, out, next);
    }

    /** Digits before the point. */
    private static int before(int whole) {
        int digits = 1;
        for (int rest = whole / 10; rest > 0; rest /= 10) {
            digits++;
        }
        return digits;
    }

    /** The number times a power of ten, rounded: at most 18 digits. */
    private static long scaled(double magnitude, int power) {
        long bits = Double.doubleToRawLongBits(magnitude);
        long mantissa = bits & HIDDEN_BIT - 1 | HIDDEN_BIT;
        int shift = EXPONENT_BIAS - (int) (bits >>> MANTISSA_BITS) - power; // what is left of 2^exponent * 2^power
        long high = Math.multiplyHigh(mantissa, POWERS_OF_FIVE[power]);
        long low = mantissa * POWERS_OF_FIVE[power];
        return (high << Long.SIZE - shift | low >>> shift) + (low >>> shift - 1 & 1);
    }

    /** Writes {@code number / 10^places} with so many digits before the point. */
    private static int digits(long number, int places, int before, byte[] out, int at) {
        int point = at + before;
        int end = point + 1 + places;
        int i = end;
        long rest = number;
        while (i - 2 > point) { // two digits after the point
            long hundreds = rest / 100;
            int pair = 2 * (int) (rest - 100 * hundreds);
            out[--i] = PAIRS[pair + 1];
            out[--i] = PAIRS[pair];
            rest = hundreds;
        }
        if (i - 1 > point) {
            out[--i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        out[--i] = '.';
        while (i > at) {
            out[--i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        return end;
    }

    @SuppressWarnings("deprecation") // copies Latin-1 without looking at it
    private static int library(double value, byte[] out, int at) {
        String text = NumberOutput.toString(value, true);
        text.getBytes(0, text.length(), out, at);
        return at + text.length();
    }
}
