// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.stream.Stream;

/**
 * The inputs of a numeric column: its value, standardised by the running moments of the values that were there, up to and
 * including the present one; whether it is missing, if that is an input; earlier values; mean, smallest and largest value
 * of each window. What is not known is 0.
 */
final class NumericInput {
    private final Numeric column;
    private final double[] sentinels;
    private final RunningMoments moments;
    private final int series;
    private final History history;
    /** The last value that was there, transformed; NaN before the first. */
    private double last = Double.NaN;

    /** Of the present record: whether its value is missing, and what counts as its value, or NaN. */
    private boolean missing;

    private double value;

    /** @param series this column's among the moments */
    NumericInput(Numeric column, RunningMoments moments, int series) {
        this.column = column;
        this.moments = moments;
        this.series = series;
        this.sentinels =
                column.missing().stream().mapToDouble(Double::doubleValue).toArray();
        this.history = new History(Stream.of(column.lags().stream().map(lag -> lag + 1), column.windows().stream())
                .flatMap(back -> back)
                .mapToInt(Integer::intValue)
                .max()
                .orElse(0));
    }

    /** Takes the value of the next record; NaN for an empty field. */
    void add(double raw) {
        missing = isMissing(raw);
        if (missing) {
            value = switch (column.fill()) {
                case MEAN -> Double.NaN;
                case CARRY -> last;
                case CONSTANT -> transform(column.constant());
            };
        } else {
            value = transform(raw);
            last = value;
            moments.add(series, value);
        }
        history.push(value);
    }

    private boolean isMissing(double raw) {
        for (double sentinel : sentinels) {
            if (raw == sentinel) {
                return true;
            }
        }
        return Double.isNaN(raw);
    }

    /** Time went on without a record: its last value stays. */
    void repeat(long times) {
        history.repeat(times);
    }

    private double transform(double raw) {
        double capped = Math.min(raw, column.max());
        return switch (column.transform()) {
            case NONE -> capped;
            case LOG1P -> Math.copySign(StrictMath.log1p(Math.abs(capped)), capped);
        };
    }

    /** Writes the inputs of the present record; returns where the next ones begin. */
    int write(float[] inputs, int from) {
        int at = from;
        inputs[at++] = standardised(value);
        if (column.indicator()) {
            inputs[at++] = missing ? 1 : 0;
        }
        for (int lag : column.lags()) {
            inputs[at++] = standardised(history.at(lag + 1));
        }
        for (int length : column.windows()) {
            History.Window window = history.window(length);
            inputs[at++] = standardised(window.mean());
            inputs[at++] = standardised(window.smallest());
            inputs[at++] = standardised(window.largest());
        }
        return at;
    }

    private float standardised(double number) {
        return Double.isNaN(number) ? 0 : (float) moments.standardise(series, number);
    }

    private boolean carries() {
        return column.fill() == Numeric.Fill.CARRY;
    }

    long bytes() {
        return 160 + 8L * history.capacity();
    }

    /** A plain column's state is its moments alone. */
    void write(DataOutput out) throws IOException {
        moments.write(series, out);
        if (carries()) {
            out.writeDouble(last);
        }
        if (history.capacity() > 0) {
            history.write(out);
        }
    }

    void read(DataInput in) throws IOException {
        moments.read(series, in);
        if (carries()) {
            last = in.readDouble();
        }
        if (history.capacity() > 0) {
            history.read(in);
        }
    }
}
