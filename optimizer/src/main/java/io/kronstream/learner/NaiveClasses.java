// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * What anyone can predict of classes without a model: that the class stays what it was, and the class that came most
 * often. Their probabilities are estimated from counts by the rule of succession.
 */
final class NaiveClasses {
    private final long[] counts;
    private long count;
    private int last = -1;
    private long stays;
    private long transitions;

    NaiveClasses(int classes) {
        counts = new long[classes];
    }

    void add(int label) {
        if (last >= 0) {
            transitions++;
            if (label == last) {
                stays++;
            }
        }
        last = label;
        counts[label]++;
        count++;
    }

    /** The probability of a class, if it stays what it was as often as it did. */
    double noChange(int label) {
        if (last < 0) {
            return 1.0 / counts.length;
        }
        double stay = (stays + 1.0) / (transitions + 2.0);
        return label == last ? stay : (1 - stay) / (counts.length - 1);
    }

    /** The share of a class. */
    double prior(int label) {
        return (counts[label] + 1.0) / (count + counts.length);
    }

    /** The class before; the first one before any came. */
    int before() {
        return Math.max(0, last);
    }

    /** The class that came most often; the first of them. */
    int majority() {
        int most = 0;
        for (int k = 1; k < counts.length; k++) {
            if (counts[k] > counts[most]) {
                most = k;
            }
        }
        return most;
    }

    void write(DataOutput out) throws IOException {
        for (long number : counts) {
            out.writeLong(number);
        }
        out.writeInt(last);
        out.writeLong(stays);
        out.writeLong(transitions);
    }

    void read(DataInput in) throws IOException {
        count = 0;
        for (int k = 0; k < counts.length; k++) {
            counts[k] = in.readLong();
            count += counts[k];
        }
        last = in.readInt();
        stays = in.readLong();
        transitions = in.readLong();
    }
}
