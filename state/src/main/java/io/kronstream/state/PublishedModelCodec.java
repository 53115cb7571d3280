// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.JournalSegment;
import io.kronstream.learner.PublishedModel;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Bytes of a {@link PublishedModel}. */
public final class PublishedModelCodec implements Codec<PublishedModel> {
    private static final long serialVersionUID = 1;
    private static final int MAX_PARTITIONS = 1 << 20;

    @Override
    public int layout() {
        return 1;
    }

    @Override
    public void write(PublishedModel model, DataOutput out) throws IOException {
        Wire.writeString(model.model(), out);
        out.writeLong(model.version());
        out.writeLong(model.step());
        out.writeLong(model.examples());
        out.writeInt(model.trainedThrough().size());
        for (Map.Entry<Integer, Long> entry : model.trainedThrough().entrySet()) {
            out.writeInt(entry.getKey());
            out.writeLong(entry.getValue());
        }
        out.writeBoolean(model.finished());
        Wire.writeString(model.mode(), out);
        Wire.writeString(model.configuration(), out);
        Wire.writeString(model.fingerprint(), out);
        Wire.writeString(model.modelDigest(), out);
        Wire.writeBytes(model.payload(), out);
        JournalSegment journal = model.journal();
        Wire.writeBytes(journal == null ? null : journal.entries(), out);
        if (journal != null) {
            Wire.writeString(journal.previousDigest(), out);
        }
    }

    @Override
    public PublishedModel read(int layout, DataInput in) throws IOException {
        return new PublishedModel(
                Wire.readString(in),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                readTrainedThrough(in),
                in.readBoolean(),
                Wire.readString(in),
                Wire.readString(in),
                Wire.readString(in),
                Wire.readString(in),
                Wire.readBytes(Wire.MAX_BYTES, in),
                readJournal(in));
    }

    private static JournalSegment readJournal(DataInput in) throws IOException {
        byte[] entries = Wire.readBytes(Wire.MAX_BYTES, in);
        return entries == null ? null : new JournalSegment(Wire.readString(in), entries);
    }

    private static SortedMap<Integer, Long> readTrainedThrough(DataInput in) throws IOException {
        int count = Wire.readLength("trained-through", MAX_PARTITIONS, in);
        SortedMap<Integer, Long> trainedThrough = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            trainedThrough.put(in.readInt(), in.readLong());
        }
        return trainedThrough;
    }
}
