// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/** The last values of a stream, newest first; NaN where one was missing or before the first one. */
final class History {
    private final double[] ring;
    private long pushed;

    /** What is known of the last values; NaN if none is. */
    record Window(double mean, double smallest, double largest) {}

    History(int capacity) {
        ring = new double[capacity];
        Arrays.fill(ring, Double.NaN);
    }

    void push(double value) {
        if (ring.length > 0) {
            ring[(int) (pushed % ring.length)] = value;
        }
        pushed++;
    }

    /** Pushes the newest value again, so many times. */
    void repeat(long times) {
        if (pushed > 0 && ring.length > 0) {
            double newest = at(1);
            if (times >= ring.length) {
                Arrays.fill(ring, newest);
            } else {
                for (int i = 0; i < times; i++) {
                    ring[(int) ((pushed + i) % ring.length)] = newest;
                }
            }
        }
        pushed += times;
    }

    void clear() {
        Arrays.fill(ring, Double.NaN);
        pushed = 0;
    }

    /** The value {@code back} pushes ago: 1 is the one pushed last. */
    double at(int back) {
        return back > pushed ? Double.NaN : ring[(int) ((pushed - back) % ring.length)];
    }

    /** Of the last {@code length} values, those that are known. */
    Window window(int length) {
        double sum = 0;
        double smallest = Double.POSITIVE_INFINITY;
        double largest = Double.NEGATIVE_INFINITY;
        int count = 0;
        for (int back = 1; back <= length; back++) {
            double value = at(back);
            if (!Double.isNaN(value)) {
                sum += value;
                smallest = Math.min(smallest, value);
                largest = Math.max(largest, value);
                count++;
            }
        }
        return count == 0 ? new Window(Double.NaN, Double.NaN, Double.NaN) : new Window(sum / count, smallest, largest);
    }

    long pushed() {
        return pushed;
    }

    int capacity() {
        return ring.length;
    }

    void write(DataOutput out) throws IOException {
        out.writeLong(pushed);
        for (double value : ring) {
            out.writeDouble(value);
        }
    }

    void read(DataInput in) throws IOException {
        pushed = in.readLong();
        for (int i = 0; i < ring.length; i++) {
            ring[i] = in.readDouble();
        }
    }
}
