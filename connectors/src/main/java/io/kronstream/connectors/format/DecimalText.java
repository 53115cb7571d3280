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

    /**
     * Writes {@code number / 10^places} with so many digits before the point: all of them as a whole number, eight at a
     * time so that few divisions wait for each other, and then the point between them.
     */
    private static int digits(long number, int places, int before, byte[] out, int at) {
        int end = at + before + 1 + places;
        int to = end;
        int left = before + places;
        long rest = number;
        for (; left > 8; left -= 8, to -= 8) {
            long upper = rest / 100_000_000;
            eight((int) (rest - 100_000_000 * upper), out, to - 8);
            rest = upper;
        }
        int few = (int) rest;
        for (; left > 1; left -= 2, to -= 2) {
            pair(few % 100, out, to - 2);
            few /= 100;
        }
        if (left == 1) {
            out[to - 1] = (byte) ('0' + few);
        }
        for (int i = at; i < at + before; i++) {
            out[i] = out[i + 1];
        }
        out[at + before] = '.';
        return end;
    }

    private static void eight(int number, byte[] out, int at) {
        int high = number / 10_000;
        int low = number - 10_000 * high;
        pair(high / 100, out, at);
        pair(high % 100, out, at + 2);
        pair(low / 100, out, at + 4);
        pair(low % 100, out, at + 6);
    }

    private static void pair(int number, byte[] out, int at) {
        out[at] = PAIRS[2 * number];
        out[at + 1] = PAIRS[2 * number + 1];
    }

    @SuppressWarnings("deprecation") // copies Latin-1 without looking at it
    private static int library(double value, byte[] out, int at) {
        String text = NumberOutput.toString(value, true);
        text.getBytes(0, text.length(), out, at);
        return at + text.length();
    }
}
