// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The mini-batches of one learner that are not learned yet: the open one, and the closed ones in the order in which they
 * will be learned. A closed one is <em>ready</em> when all its labels are known and all before it are ready.
 */
final class MiniBatches {
    private MiniBatch open = new MiniBatch();
    /** Oldest first; the first {@link #ready} of them can be learned. */
    private final Deque<MiniBatch> closed = new ArrayDeque<>();

    private int ready;

    MiniBatch open() {
        return open;
    }

    /** How many examples the open one has. */
    int openSize() {
        return open.instances.size();
    }

    /** How many examples all of them have. */
    int instances() {
        int instances = openSize();
        for (MiniBatch batch : closed) {
            instances += batch.instances.size();
        }
        return instances;
    }

    /** Closes the open one unless it is empty, and looks which of the closed ones can be learned now. */
    void close() {
        if (!open.instances.isEmpty()) {
            closed.add(open);
            open = new MiniBatch();
        }
        ready = 0;
        for (MiniBatch batch : closed) {
            if (!batch.settled()) {
                break;
            }
            ready++;
        }
    }

    boolean isReady() {
        return ready > 0;
    }

    /** The one to learn next, if {@link #isReady}. */
    MiniBatch next() {
        return closed.peek();
    }

    void removeNext() {
        closed.remove();
        ready--;
    }

    /** @param awaiting how many instances, the last ones, still wait for their labels */
    void write(DataOutput out, int awaiting) throws IOException {
        out.writeInt(awaiting);
        out.writeInt(ready);
        out.writeInt(closed.size());
        for (MiniBatch batch : closed) {
            batch.write(out);
        }
        open.write(out);
    }

    /**
     * Reads into this, which must be empty.
     *
     * @return the instances that still wait for their labels, oldest first
     */
    List<Instance> read(DataInput in, LearnerSettings settings) throws IOException {
        int width = Features.width(settings.schema());
        int awaiting = Bounds.count(in.readInt(), "forecasts");
        ready = Bounds.count(in.readInt(), "ready mini-batches");
        int count = Bounds.count(in.readInt(), "mini-batches");
        List<Instance> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            MiniBatch batch = MiniBatch.read(in, width, settings);
            closed.add(batch);
            all.addAll(batch.instances);
        }
        open = MiniBatch.read(in, width, settings);
        all.addAll(open.instances);
        if (awaiting > all.size()) {
            throw new IOException("Of " + all.size() + " examples " + awaiting + " cannot await their labels");
        }
        return all.subList(all.size() - awaiting, all.size());
    }
}
