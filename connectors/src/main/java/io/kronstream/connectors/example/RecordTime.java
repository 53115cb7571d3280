// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.connectors.format.DecimalNumber;
import java.time.YearMonth;

/**
 * Reads a point in time from a field, as milliseconds since the epoch:
 *
 * <ul>
 *   <li>{@code yyyy-MM-dd}, midnight;
 *   <li>{@code yyyy-MM-dd HH:mm[:ss[.fraction]]}, a space or {@code T} between day and time, then nothing, {@code Z} or
 *       an offset {@code ±HH}, {@code ±HHmm} or {@code ±HH:mm}; without an offset it is UTC;
 *   <li>a decimal number: seconds since the epoch if its magnitude is below {@value #FIRST_MILLISECONDS}, which as
 *       seconds is in the year 5138 and as milliseconds in 1973, else milliseconds.
 * </ul>
 *
 * What is finer than a millisecond is cut off in a fraction of a second, and rounded in a number.
 */
final class RecordTime {
    /** What {@link #parse} returns for text that is no time. */
    static final long MALFORMED = Long.MIN_VALUE;

    static final long FIRST_MILLISECONDS = 100_000_000_000L;

    private static final double LAST_MILLISECONDS = 253_402_300_800_000.0; // year 10000
    private static final long DAY = 86_400_000;

    private RecordTime() {}

    static long parse(byte[] bytes, int from, int to) {
        if (to - from >= 10 && bytes[from + 4] == '-' && bytes[from + 7] == '-') {
            return calendar(bytes, from, to);
        }
        return epoch(bytes, from, to);
    }

    private static long epoch(byte[] bytes, int from, int to) {
        return epoch(DecimalNumber.parse(bytes, from, to));
    }

    /** A number as a time. */
    static long epoch(double number) {
        double millis = Math.abs(number) < FIRST_MILLISECONDS ? number * 1000 : number;
        if (!(Math.abs(millis) < LAST_MILLISECONDS)) {
            return MALFORMED;
        }
        return Math.round(millis);
    }

    private static long calendar(byte[] bytes, int from, int to) {
        int year = digits(bytes, from, 4, to);
        int month = digits(bytes, from + 5, 2, to);
        int day = digits(bytes, from + 8, 2, to);
        if (year < 0
                || month < 1
                || month > 12
                || day < 1
                || day > YearMonth.of(year, month).lengthOfMonth()) {
            return MALFORMED;
        }
        long midnight = YearMonth.of(year, month).atDay(day).toEpochDay() * DAY;
        int i = from + 10;
        if (i == to) {
            return midnight;
        }
        if (bytes[i] != ' ' && bytes[i] != 'T' && bytes[i] != 't') {
            return MALFORMED;
        }
        int hour = digits(bytes, i + 1, 2, to);
        int minute = separated(bytes, i + 3, ':', to);
        if (hour < 0 || hour > 23 || minute < 0 || minute > 59) {
            return MALFORMED;
        }
        i += 6;
        int second = 0;
        long millisecond = 0;
        if (i < to && bytes[i] == ':') {
            second = digits(bytes, i + 1, 2, to);
            if (second < 0 || second > 59) {
                return MALFORMED;
            }
            i += 3;
            if (i < to && bytes[i] == '.') {
                i++;
                int first = i;
                for (int place = 100; i < to && bytes[i] >= '0' && bytes[i] <= '9'; i++, place /= 10) {
                    millisecond += (long) place * (bytes[i] - '0');
                }
                if (i == first || i - first > 9) {
                    return MALFORMED;
                }
            }
        }
        int offset = offset(bytes, i, to);
        if (offset == Integer.MIN_VALUE) {
            return MALFORMED;
        }
        return midnight + ((hour * 60L + minute - offset) * 60 + second) * 1000 + millisecond;
    }

    /** Minutes east of UTC; {@link Integer#MIN_VALUE} if malformed. */
    private static int offset(byte[] bytes, int from, int to) {
        if (from == to || (bytes[from] == 'Z' || bytes[from] == 'z') && from + 1 == to) {
            return 0;
        }
        if (bytes[from] != '+' && bytes[from] != '-') {
            return Integer.MIN_VALUE;
        }
        int hours = digits(bytes, from + 1, 2, to);
        int length = to - from;
        int minutes =
                switch (length) {
                    case 3 -> 0;
                    case 5 -> digits(bytes, from + 3, 2, to);
                    case 6 -> separated(bytes, from + 3, ':', to);
                    default -> -1;
                };
        if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) {
            return Integer.MIN_VALUE;
        }
        int offset = hours * 60 + minutes;
        return bytes[from] == '-' ? -offset : offset;
    }

    private static int separated(byte[] bytes, int from, char separator, int to) {
        return from < to && bytes[from] == separator ? digits(bytes, from + 1, 2, to) : -1;
    }

    private static int digits(byte[] bytes, int from, int count, int to) {
        if (from + count > to) {
            return -1;
        }
        int value = 0;
        for (int i = from; i < from + count; i++) {
            if (bytes[i] < '0' || bytes[i] > '9') {
                return -1;
            }
            value = value * 10 + (bytes[i] - '0');
        }
        return value;
    }
}
