// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import com.fasterxml.jackson.core.io.NumberInput;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
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

    private static final long UPPER_HALVES = 0xF0F0F0F0F0F0F0F0L;
    private static final long ALL_ZEROS = 0x3030303030303030L;
    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private DecimalNumber() {}

    /**
     * The number in {@code bytes[from, to)}; {@link #MALFORMED} if it is none or too long, an infinity if it is beyond
     * the range of double.
     *
     * <p>Where mantissa and power of ten are both exact as doubles, one multiplication or division rounds once and is
     * therefore correctly rounded (Clinger 1990); other numbers take the library's way.
     */
    public static double parse(byte[] bytes, int from, int to) {
        int unsigned = from;
        long sign = 0; // a double's; no branch, which half of the numbers would mispredict
        if (from < to) {
            sign = bytes[from] == '-' ? Long.MIN_VALUE : 0;
            unsigned += bytes[from] == '-' | bytes[from] == '+' ? 1 : 0;
        }
        int length = to - unsigned;
        double magnitude = MALFORMED;
        if (length > 0 && length <= Long.BYTES && unsigned + Long.BYTES <= bytes.length) {
            magnitude = inOneWord((long) WORD.get(bytes, unsigned), length);
        }
        if (Double.isNaN(magnitude) && to - from <= MAX_LENGTH) {
            magnitude = digitByDigit(bytes, unsigned, to);
        }
        return Double.longBitsToDouble(Double.doubleToRawLongBits(magnitude) | sign);
    }

    /**
     * The number that the first {@code length} of eight bytes write, if these are digits with at most one point; {@link
     * #MALFORMED} if they are anything else. The first byte is the lowest. Eight digits become a number in three steps, each
     * of which joins neighbours in one multiplication for all (Lemire 2021, Number parsing at a gigabyte per second).
     */
    private static double inOneWord(long word, int length) {
        // A digit's upper half is 3, and still is when 6 is added.
        long others = word & UPPER_HALVES ^ ALL_ZEROS | word + 0x0606060606060606L & UPPER_HALVES ^ ALL_ZEROS;
        int point = Long.numberOfTrailingZeros(others) / Byte.SIZE;
        long digits = word;
        int count = length;
        int fraction = 0;
        if (point < length) {
            long before = (1L << Byte.SIZE * point) - 1;
            digits = word & before | word >>> Byte.SIZE & ~before;
            count--;
            fraction = count - point;
            long after = others >>> Byte.SIZE * point >>> Byte.SIZE;
            boolean onlyDigits = after << Byte.SIZE * (Long.BYTES - fraction) == 0 || fraction == 0;
            if ((word >>> Byte.SIZE * point & 0xFF) != '.' || !onlyDigits || count == 0) {
                return MALFORMED;
            }
        }
        long ones = digits << Byte.SIZE * (Long.BYTES - count) & 0x0F0F0F0F0F0F0F0FL; // 0 before the first digit
        long pairs = ones * (10 << 8 | 1) >>> 8 & 0x00FF00FF00FF00FFL;
        long fours = pairs * (100 << 16 | 1) >>> 16 & 0x0000FFFF0000FFFFL;
        return (fours * (10_000L << 32 | 1) >>> 32) / POWERS_OF_TEN[fraction];
    }

    private static double digitByDigit(byte[] bytes, int from, int to) {
        int i = from;
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
            return power < 0 ? mantissa / POWERS_OF_TEN[-power] : mantissa * POWERS_OF_TEN[power];
        }
        return NumberInput.parseDouble(new String(bytes, from, to - from, StandardCharsets.ISO_8859_1), true);
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }
}
