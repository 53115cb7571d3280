// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** The last labels of a stream, newest first; NaN where a label was missing or before the first one. */
final class LabelHistory {
    private final double[] ring;
    private long pushed;

    LabelHistory(int capacity) {
        ring = new double[capacity];
        java.util.Arrays.fill(ring, Double.NaN);
    }

    void push(double label) {
        if (ring.length > 0) {
            ring[(int) (pushed % ring.length)] = label;
        }
        pushed++;
    }

    /** The label {@code back} records ago: 1 is the one pushed last. */
    double at(int back) {
        return back > pushed ? Double.NaN : ring[(int) ((pushed - back) % ring.length)];
    }

    long pushed() {
        return pushed;
    }

    int capacity() {
        return ring.length;
    }

    void write(DataOutput out) throws IOException {
        out.writeLong(pushed);
        for (double label : ring) {
            out.writeDouble(label);
        }
    }

    void read(DataInput in) throws IOException {
        pushed = in.readLong();
        for (int i = 0; i < ring.length; i++) {
            ring[i] = in.readDouble();
        }
    }
}
