// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * An example turned into the network's input, waiting to be predicted and learned. The network's output {@code f} means
 * the label {@code base + scale * f}.
 */
final class Instance {
    private static final int LARGEST_IDS = 1 << 20;

    final int partition;
    final long offset;
    final int row;
    final long timestamp;
    final float[] inputs;
    /** Of each embedded column how many ids there are, then the ids. */
    final int[] ids;

    final double base;
    final double scale;
    final double noChange;
    final double prior;
    final double weight;

    /** The label; NaN while it is not known. */
    double label;
    /** Whether {@link #label} has been decided: known, or known to be missing. */
    boolean settled;
    /** Of classes what the naive predictors answered, and what the model did before learning from this instance; else -1. */
    int noChangeAnswer = -1;

    int priorAnswer = -1;
    int answer = -1;
    /** What {@link Objective#output} kept of the network's outputs before learning from this instance, and the steps taken when it was made. */
    double output = Double.NaN;

    long outputStep = -1;

    Instance(
            int partition,
            long offset,
            int row,
            long timestamp,
            float[] inputs,
            int[] ids,
            double base,
            double scale,
            double noChange,
            double prior,
            double weight,
            double label,
            boolean settled) {
        this.partition = partition;
        this.offset = offset;
        this.row = row;
        this.timestamp = timestamp;
        this.inputs = inputs;
        this.ids = ids;
        this.base = base;
        this.scale = scale;
        this.noChange = noChange;
        this.prior = prior;
        this.weight = weight;
        this.label = label;
        this.settled = settled;
    }

    void settle(double value) {
        label = value;
        settled = true;
    }

    boolean predicted() {
        return outputStep >= 0;
    }

    /** What the network's output should have been, clipped like every standardised value. */
    double target() {
        return RunningMoments.clip((label - base) / scale);
    }

    void write(DataOutput out) throws IOException {
        out.writeInt(partition);
        out.writeLong(offset);
        out.writeInt(row);
        out.writeLong(timestamp);
        for (float input : inputs) {
            out.writeFloat(input);
        }
        if (ids.length > 0) {
            out.writeInt(ids.length);
            for (int id : ids) {
                out.writeInt(id);
            }
        }
        out.writeDouble(base);
        out.writeDouble(scale);
        out.writeDouble(noChange);
        out.writeDouble(prior);
        out.writeDouble(weight);
        out.writeDouble(label);
        out.writeBoolean(settled);
        out.writeDouble(output);
        out.writeLong(outputStep);
        if (noChangeAnswer >= 0) {
            out.writeInt(noChangeAnswer);
            out.writeInt(priorAnswer);
            out.writeInt(answer);
        }
    }

    /**
     * As {@link #write} wrote it; without embedded columns there are no ids, not even their number, and without classes no
     * answers.
     */
    static Instance read(DataInput in, int width, boolean embedded, boolean classes) throws IOException {
        int partition = in.readInt();
        long offset = in.readLong();
        int row = in.readInt();
        long timestamp = in.readLong();
        float[] inputs = new float[width];
        for (int i = 0; i < width; i++) {
            inputs[i] = in.readFloat();
        }
        int count = embedded ? in.readInt() : 0;
        if (count < 0 || count > LARGEST_IDS) {
            throw new IOException("A count of " + count + " ids cannot be right");
        }
        int[] ids = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = in.readInt();
        }
        Instance instance = new Instance(
                partition,
                offset,
                row,
                timestamp,
                inputs,
                ids,
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readBoolean());
        instance.output = in.readDouble();
        instance.outputStep = in.readLong();
        if (classes) {
            instance.noChangeAnswer = in.readInt();
            instance.priorAnswer = in.readInt();
            instance.answer = in.readInt();
        }
        return instance;
    }
}
