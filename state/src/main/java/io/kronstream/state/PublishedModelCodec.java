// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.ControlState;
import io.kronstream.learner.JournalSegment;
import io.kronstream.learner.PublishedModel;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Bytes of a {@link PublishedModel}; layout 1 knows of no commands. */
public final class PublishedModelCodec implements Codec<PublishedModel> {
    private static final long serialVersionUID = 1;
    private static final int MAX_PARTITIONS = 1 << 20;
    private static final int MAX_COMMANDS = 1 << 16;

    @Override
    public int layout() {
        return 3;
    }

    @Override
    public void write(PublishedModel model, DataOutput out) throws IOException {
        Wire.writeString(model.model(), out);
        out.writeLong(model.version());
        out.writeLong(model.step());
        out.writeLong(model.examples());
        writeOffsets(model.trainedFrom(), out);
        writeOffsets(model.trainedThrough(), out);
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
        writeControl(model.control(), out);
    }

    @Override
    public PublishedModel read(int layout, DataInput in) throws IOException {
        return new PublishedModel(
                Wire.readString(in),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                layout < 3 ? new TreeMap<>() : readOffsets(in),
                readOffsets(in),
                in.readBoolean(),
                Wire.readString(in),
                Wire.readString(in),
                Wire.readString(in),
                Wire.readString(in),
                Wire.readBytes(Wire.MAX_BYTES, in),
                readJournal(in),
                layout == 1 ? ControlState.NONE : readControl(in));
    }

    private static JournalSegment readJournal(DataInput in) throws IOException {
        byte[] entries = Wire.readBytes(Wire.MAX_BYTES, in);
        return entries == null ? null : new JournalSegment(Wire.readString(in), entries);
    }

    private static void writeControl(ControlState control, DataOutput out) throws IOException {
        out.writeBoolean(control.paused());
        out.writeInt(control.values().size());
        for (Map.Entry<String, String> value : control.values().entrySet()) {
            Wire.writeString(value.getKey(), out);
            Wire.writeString(value.getValue(), out);
        }
        out.writeInt(control.applied().size());
        for (ControlState.Applied applied : control.applied()) {
            Wire.writeString(applied.id(), out);
            Wire.writeString(applied.command(), out);
            Wire.writeString(applied.name(), out);
            Wire.writeText(applied.value(), out);
            out.writeLong(applied.step());
            out.writeInt(applied.partition());
            out.writeLong(applied.offset());
        }
    }

    private static ControlState readControl(DataInput in) throws IOException {
        boolean paused = in.readBoolean();
        SortedMap<String, String> values = new TreeMap<>();
        for (int i = Wire.readLength("the values that were set", MAX_COMMANDS, in); i > 0; i--) {
            values.put(Wire.readString(in), Wire.readString(in));
        }
        List<ControlState.Applied> applied = new ArrayList<>();
        for (int i = Wire.readLength("the commands", MAX_COMMANDS, in); i > 0; i--) {
            applied.add(new ControlState.Applied(
                    Wire.readString(in),
                    Wire.readString(in),
                    Wire.readString(in),
                    Wire.readText(in),
                    in.readLong(),
                    in.readInt(),
                    in.readLong()));
        }
        return new ControlState(paused, values, applied);
    }

    private static void writeOffsets(SortedMap<Integer, Long> offsets, DataOutput out) throws IOException {
        out.writeInt(offsets.size());
        for (Map.Entry<Integer, Long> entry : offsets.entrySet()) {
            out.writeInt(entry.getKey());
            out.writeLong(entry.getValue());
        }
    }

    private static SortedMap<Integer, Long> readOffsets(DataInput in) throws IOException {
        int count = Wire.readLength("offsets", MAX_PARTITIONS, in);
        SortedMap<Integer, Long> offsets = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            offsets.put(in.readInt(), in.readLong());
        }
        return offsets;
    }
}
