// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.linalg.Arena;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;

/**
 * One learner as keyed state, always that of the current key: its header, the blocks of its arena, the examples parked in
 * front of it, and a mark on keys that wait for something.
 */
final class LearnerState {
    /** Every key that has a learner has this state. */
    static final String HEADER = "learner-header";

    /** Every key that waits for an answer, or has parked examples, has this state; no other has it. */
    static final String PENDING = "learner-pending";

    private static final byte LAYOUT = 1;
    private static final int PREFIX = Byte.BYTES + Integer.BYTES;

    private final ValueState<byte[]> header;
    private final MapState<Integer, byte[]> blocks;
    private final MapState<Integer, ParkedExamples> parked;
    private final ValueState<Boolean> pending;
    private final ArenaBlocks packing = new ArenaBlocks();

    LearnerState(KeyedStateStore states) {
        header = states.getState(
                new ValueStateDescriptor<>(HEADER, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        blocks = states.getMapState(new MapStateDescriptor<>(
                "learner-blocks", Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        parked = states.getMapState(new MapStateDescriptor<>(
                "learner-parked",
                Types.INT,
                new CodecTypeInformation<>(ParkedExamples.class, new ParkedExamplesCodec())));
        pending = states.getState(new ValueStateDescriptor<>(PENDING, Types.BOOLEAN));
    }

    /** The learner of the current key, or null if it has none. */
    ResidentLearner read(String model, LearnerFactory factory) throws Exception {
        byte[] stored = header.value();
        if (stored == null) {
            return null;
        }
        if (stored[0] > LAYOUT) {
            throw new IllegalStateException(
                    "Learner state layout " + stored[0] + " is newer than this job's " + LAYOUT + "; upgrade the job");
        }
        ByteBuffer bytes = ByteBuffer.wrap(stored);
        bytes.get();
        int blockCount = bytes.getInt();
        byte[] learnerHeader = new byte[bytes.remaining()];
        bytes.get(learnerHeader);
        Learner learner = factory.restore(model, learnerHeader);
        readArena(model, learner.arena(), blockCount);
        ResidentLearner resident = new ResidentLearner(learner);
        resident.arenaStored = true;
        for (ParkedExamples entry; (entry = parked.get(resident.parkedEntries)) != null; resident.parkedEntries++) {
            entry.examples().forEach(resident::park);
        }
        resident.parkedChanged = false;
        return resident;
    }

    private void readArena(String model, Arena arena, int blockCount) throws Exception {
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

    /** Stores what has changed since the last time. */
    void write(ResidentLearner resident) throws Exception {
        Arena arena = resident.learner().arena();
        int blockCount = ArenaBlocks.count(arena);
        for (int block = 0; block < blockCount; block++) {
            if (!resident.arenaStored || ArenaBlocks.isDirty(arena, block)) {
                blocks.put(block, packing.pack(arena, block));
            }
        }
        arena.clearDirty();
        resident.arenaStored = true;

        byte[] learnerHeader = resident.learner().header();
        header.update(ByteBuffer.allocate(PREFIX + learnerHeader.length)
                .put(LAYOUT)
                .putInt(blockCount)
                .put(learnerHeader)
                .array());
        if (resident.parkedChanged) {
            writeParked(resident);
        }
        if (resident.isPinned()) {
            pending.update(true);
        } else {
            pending.clear();
        }
        resident.dirty = false;
    }

    private void writeParked(ResidentLearner resident) throws Exception {
        int entries = 0;
        Iterator<Example> examples = resident.parked().iterator();
        while (examples.hasNext()) {
            List<Example> entry = new ArrayList<>(ParkedExamples.MAX_EXAMPLES);
            while (examples.hasNext() && entry.size() < ParkedExamples.MAX_EXAMPLES) {
                entry.add(examples.next());
            }
            parked.put(entries++, new ParkedExamples(entry));
        }
        for (int obsolete = entries; obsolete < resident.parkedEntries; obsolete++) {
            parked.remove(obsolete);
        }
        resident.parkedEntries = entries;
        resident.parkedChanged = false;
    }
}
