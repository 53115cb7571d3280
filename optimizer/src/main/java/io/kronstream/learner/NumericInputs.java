// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The inputs of all numeric columns. Where nothing is said of any column but its name, a record without missing values is taken
 * in passes over arrays; the inputs are the same.
 */
final class NumericInputs {
    private final RunningMoments moments;
    private final NumericInput[] columns;
    private final boolean allBare;
    /** The present record, while it is taken in passes; else null. */
    private double[] present;

    NumericInputs(List<Numeric> columns) {
        this.moments = new RunningMoments(columns.size());
        this.columns = IntStream.range(0, columns.size())
                .mapToObj(i -> new NumericInput(columns.get(i), moments, i))
                .toArray(NumericInput[]::new);
        this.allBare = columns.stream().allMatch(Numeric::bare);
    }

    static int width(List<Numeric> columns) {
        return columns.stream().mapToInt(Numeric::width).sum();
    }

    int count() {
        return columns.length;
    }

    /** Takes the next record, whose first values are those of the columns. */
    void add(double[] values) {
        present = allBare && noneMissing(values) ? values : null;
        if (present != null) {
            moments.add(values);
            return;
        }
        for (int i = 0; i < columns.length; i++) {
            columns[i].add(values[i]);
        }
    }

    private boolean noneMissing(double[] values) {
        boolean missing = false;
        for (int i = 0; i < columns.length; i++) {
            missing |= Double.isNaN(values[i]);
        }
        return !missing;
    }

    /** Time went on without a record: the last values stay. */
    void repeat(long times) {
        for (NumericInput column : columns) {
            column.repeat(times);
        }
    }

    /** Writes the inputs of the present record; returns where the next ones begin. */
    int write(float[] inputs) {
        if (present != null) {
            moments.standardise(present, inputs);
            return columns.length;
        }
        int at = 0;
        for (NumericInput column : columns) {
            at = column.write(inputs, at);
        }
        return at;
    }

    /** Bytes on the heap. */
    long bytes() {
        long bytes = 0;
        for (NumericInput column : columns) {
            bytes += column.bytes();
        }
        return bytes;
    }

    void write(DataOutput out) throws IOException {
        for (NumericInput column : columns) {
            column.write(out);
        }
    }

    void read(DataInput in) throws IOException {
        for (NumericInput column : columns) {
            column.read(in);
        }
    }
}
