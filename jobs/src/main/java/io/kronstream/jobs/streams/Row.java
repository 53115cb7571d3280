// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.streams;

import java.time.Instant;

/** Writes one CSV line after the other. Numbers have four decimals, so that a line is short and exactly what was meant. */
final class Row {
    /** Parts that the unit is printed in. */
    static final int SCALE = 10_000;

    /** Time of the first line; each further one is a second later. */
    static final long START_MILLIS = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();

    private static final int DECIMALS = 4;

    private final StringBuilder line = new StringBuilder(192);

    /** Starts line number {@code index}, from 0, with its time in milliseconds since the epoch. */
    Row start(long index) {
        line.setLength(0);
        line.append(START_MILLIS + 1000 * index);
        return this;
    }

    Row text(String value) {
        line.append(',').append(value);
        return this;
    }

    /** Appends {@code scaled / SCALE}. */
    Row number(long scaled) {
        line.append(scaled < 0 ? ",-" : ",");
        long magnitude = Math.abs(scaled);
        line.append(magnitude / SCALE).append('.');
        String fraction = Long.toString(magnitude % SCALE);
        line.append("0".repeat(DECIMALS - fraction.length())).append(fraction);
        return this;
    }

    String label(boolean label) {
        return line.append(label ? ",1" : ",0").toString();
    }
}
