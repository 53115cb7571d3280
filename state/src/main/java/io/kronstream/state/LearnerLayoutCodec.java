// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.LearnerLayout;
import io.kronstream.linalg.TensorSpec;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Bytes of a {@link LearnerLayout}. */
public final class LearnerLayoutCodec implements Codec<LearnerLayout> {
    private static final long serialVersionUID = 1;
    private static final int MAX_ENTRIES = 1 << 20;

    @Override
    public int layout() {
        return 1;
    }

    @Override
    public void write(LearnerLayout value, DataOutput out) throws IOException {
        out.writeInt(value.structure().size());
        for (Map.Entry<String, String> entry : value.structure().entrySet()) {
            Wire.writeString(entry.getKey(), out);
            Wire.writeString(entry.getValue(), out);
        }
        out.writeInt(value.tensors().size());
        for (TensorSpec tensor : value.tensors()) {
            Wire.writeString(tensor.name(), out);
            out.writeInt(tensor.rows());
            out.writeInt(tensor.columns());
            out.writeBoolean(tensor.symmetric());
        }
        writeStrings(value.parameters(), out);
        writeStrings(value.counters(), out);
    }

    @Override
    public LearnerLayout read(int layout, DataInput in) throws IOException {
        SortedMap<String, String> structure = new TreeMap<>();
        int entries = Wire.readLength("the structure of learners", MAX_ENTRIES, in);
        for (int i = 0; i < entries; i++) {
            structure.put(Wire.readString(in), Wire.readString(in));
        }
        List<TensorSpec> tensors = new ArrayList<>();
        int count = Wire.readLength("the tensors of learners", MAX_ENTRIES, in);
        for (int i = 0; i < count; i++) {
            tensors.add(readTensor(in));
        }
        return new LearnerLayout(structure, tensors, readStrings(in), readStrings(in));
    }

    private static TensorSpec readTensor(DataInput in) throws IOException {
        try {
            return new TensorSpec(Wire.readString(in), in.readInt(), in.readInt(), in.readBoolean());
        } catch (IllegalArgumentException e) {
            throw new IOException("The layout of learners is damaged: " + e.getMessage(), e);
        }
    }

    private static void writeStrings(List<String> strings, DataOutput out) throws IOException {
        out.writeInt(strings.size());
        for (String string : strings) {
            Wire.writeString(string, out);
        }
    }

    private static List<String> readStrings(DataInput in) throws IOException {
        List<String> strings = new ArrayList<>();
        int count = Wire.readLength("names", MAX_ENTRIES, in);
        for (int i = 0; i < count; i++) {
            strings.add(Wire.readString(in));
        }
        return strings;
    }
}
