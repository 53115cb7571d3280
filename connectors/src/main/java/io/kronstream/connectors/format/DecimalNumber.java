// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import com.fasterxml.jackson.core.io.NumberInput;
import java.nio.charset.StandardCharsets;

/**
 * Reads decimal numbers from bytes: an optional sign, digits with an optional point, an optional exponent. Nothing else
 * is a number here, neither {@code NaN} nor {@code Infinity}, {@code 0x1p3}, {@code 1f} or {@code 1,5}. The result is
 * the double nearest to the text.
 */
public final class DecimalNumber {
    /** What {@link #parse} returns for text that is no number; a number is always finite. */
    public static final double MALFORMED = Double.NaN;

    /** Longer text is refused: no measurement needs it, and its cost would be the sender's choice. */
    static final int MAX_LENGTH = 64;

    private static final long EXACT_LIMIT = 1L << 53;
    /** So many digits never overflow a long. */
    private static final int MAX_LONG_DIGITS = 18;

    private static final int MAX_EXPONENT_DIGITS = 5;
    private static final double[] POWERS_OF_TEN = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22
    };

    private DecimalNumber() {}

    /**
     * The number in {@code bytes[from, to)}; {@link #MALFORMED} if it is none or too long, an infinity if it is beyond
     * the range of double.
     *
     * <p>Where mantissa and power of ten are both exact as doubles, one multiplication or division rounds once and is
     * therefore correctly rounded (Clinger 1990); other numbers take the library's way.
     */
    public static double parse(byte[] bytes, int from, int to) {
        if (to - from > MAX_LENGTH) {
            return MALFORMED;
        }
        int i = from;
        boolean negative = false;
        if (i < to && (bytes[i] == '-' || bytes[i] == '+')) {
            negative = bytes[i] == '-';
            i++;
        }
        long mantissa = 0;
        int first = i;
        for (; i < to && isDigit(bytes[i]); i++) {
            mantissa = mantissa * 10 + (bytes[i] - '0');
        }
        int digits = i - first;
        int fraction = 0;
        if (i < to && bytes[i] == '.') {
            first = ++i;
            for (; i < to && isDigit(bytes[i]); i++) {
                mantissa = mantissa * 10 + (bytes[i] - '0');
            }
            fraction = i - first;
            digits += fraction;
        }
        if (digits == 0) {
            return MALFORMED;
        }
        int exponent = 0;
        if (i < to) {
            if (bytes[i] != 'e' && bytes[i] != 'E') {
                return MALFORMED;
            }
            i++;
            boolean negativeExponent = false;
            if (i < to && (bytes[i] == '-' || bytes[i] == '+')) {
                negativeExponent = bytes[i] == '-';
                i++;
            }
            int exponentDigits = to - i;
            if (exponentDigits < 1 || exponentDigits > MAX_EXPONENT_DIGITS) {
                return MALFORMED;
            }
            for (; i < to; i++) {
                if (!isDigit(bytes[i])) {
                    return MALFORMED;
                }
                exponent = exponent * 10 + (bytes[i] - '0');
            }
            if (negativeExponent) {
                exponent = -exponent;
            }
        }
        int power = exponent - fraction;
        if (digits <= MAX_LONG_DIGITS && mantissa <= EXACT_LIMIT && power >= -22 && power <= 22) {
            double magnitude = power < 0 ? mantissa / POWERS_OF_TEN[-power] : mantissa * POWERS_OF_TEN[power];
            return negative ? -magnitude : magnitude;
        }
        return NumberInput.parseDouble(new String(bytes, from, to - from, StandardCharsets.ISO_8859_1), true);
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }
}
