// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Instances that are predicted together and learned together. */
final class MiniBatch {
    final List<Instance> instances = new ArrayList<>();

    boolean settled() {
        for (Instance instance : instances) {
            if (!instance.settled) {
                return false;
            }
        }
        return true;
    }

    /** Forgets the instances whose label turned out to be missing; they cannot be learned from. */
    void dropUnlabelled() {
        instances.removeIf(instance -> Double.isNaN(instance.label));
    }

    void write(DataOutput out) throws IOException {
        out.writeInt(instances.size());
        for (Instance instance : instances) {
            instance.write(out);
        }
    }

    static MiniBatch read(DataInput in, int width, LearnerSettings settings) throws IOException {
        boolean embedded = !settings.schema().embedded().isEmpty();
        boolean classes = settings.schema().task() == Task.CLASSIFICATION;
        int largest = settings.batch();
        int size = in.readInt();
        if (size < 0 || size > largest) {
            throw new IOException("A mini-batch of " + size + " instances exceeds the largest one, " + largest);
        }
        MiniBatch batch = new MiniBatch();
        for (int i = 0; i < size; i++) {
            batch.instances.add(Instance.read(in, width, embedded, classes));
        }
        return batch;
    }
}
