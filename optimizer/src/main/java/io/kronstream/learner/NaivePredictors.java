// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * What anyone can predict without a model: that the label stays what it was, and the mean of all labels so far. For
 * binary labels both are probabilities of label 1, estimated from counts by the rule of succession.
 */
final class NaivePredictors {
    private final boolean binary;
    private double last = Double.NaN;
    private double sum;
    private long count;
    private long stays;
    private long transitions;

    NaivePredictors(Task task) {
        binary = task == Task.BINARY;
    }

    void add(double label) {
        if (!Double.isNaN(last)) {
            transitions++;
            if (label == last) {
                stays++;
            }
        }
        last = label;
        sum += label;
        count++;
    }

    double noChange() {
        if (Double.isNaN(last)) {
            return binary ? 0.5 : 0;
        }
        if (!binary) {
            return last;
        }
        double stay = (stays + 1.0) / (transitions + 2.0);
        return last == 1 ? stay : 1 - stay;
    }

    double prior() {
        if (binary) {
            return (sum + 1) / (count + 2);
        }
        return count == 0 ? 0 : sum / count;
    }

    void write(DataOutput out) throws IOException {
        out.writeDouble(last);
        out.writeDouble(sum);
        out.writeLong(count);
        out.writeLong(stays);
        out.writeLong(transitions);
    }

    void read(DataInput in) throws IOException {
        last = in.readDouble();
        sum = in.readDouble();
        count = in.readLong();
        stays = in.readLong();
        transitions = in.readLong();
    }
}
