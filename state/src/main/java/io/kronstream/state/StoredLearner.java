// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerLayout;
import io.kronstream.learner.LearnerSummary;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Precision;
import java.io.IOException;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * A learner as its keyed state holds it: a header, and the arena in blocks. It can be looked at without the settings of
 * the job that wrote it.
 *
 * @param blockCount blocks of its arena
 * @param fingerprint numerics fingerprint of the process that wrote it
 * @param header {@link Learner#header()}
 */
public record StoredLearner(int blockCount, String fingerprint, byte[] header) {
    /** Every key that has a learner has this state. */
    public static final ValueStateDescriptor<byte[]> HEADER =
            new ValueStateDescriptor<>("learner-header", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);

    /** The blocks of the arena by number. */
    public static final MapStateDescriptor<Integer, byte[]> BLOCKS = new MapStateDescriptor<>(
            "learner-blocks", Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);

    private static final int LAYOUT = 1;

    /** The inverse of {@link #bytes()}. */
    public static StoredLearner of(byte[] stored) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(stored);
        int layout = in.readByte();
        if (layout > LAYOUT) {
            throw new UnfitStateException(
                    "Learner state layout " + layout + " is newer than this job's " + LAYOUT + "; upgrade the job");
        }
        int blockCount = in.readInt();
        String fingerprint = Wire.readString(in);
        byte[] header = new byte[in.available()];
        in.readFully(header);
        return new StoredLearner(blockCount, fingerprint, header);
    }

    /** The value of {@link #HEADER}. */
    byte[] bytes() throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64 + header.length);
        out.writeByte(LAYOUT);
        out.writeInt(blockCount);
        Wire.writeString(fingerprint, out);
        out.write(header);
        return out.getCopyOfBuffer();
    }

    public LearnerSummary summary() {
        return LearnerSummary.of(header);
    }

    /** A copy of its arena, which the caller closes. */
    public Arena arena(String model, LearnerLayout layout, MapState<Integer, byte[]> blocks) throws Exception {
        Arena arena = new Arena(Precision.FLOAT, layout.tensors(), layout.counters());
        try {
            fill(arena, model, blocks, new ArenaBlocks());
            Learner.readCounters(header, arena);
            return arena;
        } catch (Exception e) {
            arena.close();
            throw e;
        }
    }

    void fill(Arena arena, String model, MapState<Integer, byte[]> blocks, ArenaBlocks packing) throws Exception {
        if (blockCount != ArenaBlocks.count(arena)) {
            throw new IllegalStateException("The state of model '" + model + "' has " + blockCount + " blocks where "
                    + ArenaBlocks.count(arena) + " are needed; it belongs to another network or optimizer");
        }
        for (int block = 0; block < blockCount; block++) {
            byte[] stored = blocks.get(block);
            if (stored == null) {
                throw new IllegalStateException(
                        "Block " + block + " of " + blockCount + " of model '" + model + "' is missing from its state");
            }
            packing.unpack(arena, block, stored);
        }
        arena.clearDirty();
    }
}
