// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

/**
 * When rows are sent.
 *
 * @param rowsPerSecond most rows in a second; 0 for no bound
 * @param speedup how many times faster than their own times say rows follow each other; 0 to leave their times alone
 */
public record Pace(double rowsPerSecond, double speedup) {
    /** As fast as the broker takes them. */
    public static final Pace FREE = new Pace(0, 0);

    public Pace {
        if (!(rowsPerSecond >= 0) || !(speedup >= 0) || Double.isInfinite(rowsPerSecond + speedup)) {
            throw new IllegalArgumentException(
                    "Rate and speedup must not be negative, were " + rowsPerSecond + " and " + speedup);
        }
    }

    /**
     * Nanoseconds after the first row before which a row must wait.
     *
     * @param index of the row
     * @param millis from the first row's own time to this one's; a row from before goes at once
     */
    long due(long index, long millis) {
        double byRate = rowsPerSecond > 0 ? index / rowsPerSecond * 1e9 : 0;
        double byTime = speedup > 0 ? millis / speedup * 1e6 : 0;
        return (long) Math.max(0, Math.max(byRate, byTime));
    }

    boolean isFree() {
        return rowsPerSecond == 0 && speedup == 0;
    }
}
