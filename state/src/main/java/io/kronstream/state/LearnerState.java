// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerLayout;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Precision;
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
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One learner as keyed state, always that of the current key: its header, the blocks of its arena, the examples parked in
 * front of it, and a mark on keys that wait for something.
 */
final class LearnerState {
    /** Every key that has a learner has this state. */
    static final String HEADER = "learner-header";

    /** Every key that waits for an answer, or has parked examples, has this state; no other has it. */
    static final String PENDING = "learner-pending";

    static final String BLOCKS = "learner-blocks";
    static final String PARKED = "learner-parked";

    private static final int LAYOUT = 1;
    private static final Logger LOG = LoggerFactory.getLogger(LearnerState.class);

    private final String fingerprint;
    private final LearnerLayouts layouts;
    private final ValueState<byte[]> header;
    private final MapState<Integer, byte[]> blocks;
    private final MapState<Integer, ParkedExamples> parked;
    private final ValueState<Boolean> pending;
    private final ArenaBlocks packing = new ArenaBlocks();
    private long ofOtherNumerics;

    /**
     * @param layouts those that learners may be stored in
     * @param fingerprint numerics fingerprint of this process, which is stored with every learner
     */
    LearnerState(KeyedStateStore states, LearnerLayouts layouts, String fingerprint) {
        this.layouts = layouts;
        this.fingerprint = fingerprint;
        header = states.getState(
                new ValueStateDescriptor<>(HEADER, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        blocks = states.getMapState(
                new MapStateDescriptor<>(BLOCKS, Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        parked = states.getMapState(new MapStateDescriptor<>(
                PARKED, Types.INT, new CodecTypeInformation<>(ParkedExamples.class, new ParkedExamplesCodec())));
        pending = states.getState(new ValueStateDescriptor<>(PENDING, Types.BOOLEAN));
    }

    /** The learner of the current key, or null if it has none. */
    ResidentLearner read(String model, LearnerFactory factory) throws Exception {
        byte[] stored = header.value();
        if (stored == null) {
            return null;
        }
        DataInputDeserializer in = new DataInputDeserializer(stored);
        int layout = in.readByte();
        if (layout > LAYOUT) {
            throw new UnfitStateException(
                    "Learner state layout " + layout + " is newer than this job's " + LAYOUT + "; upgrade the job");
        }
        int blockCount = in.readInt();
        report(model, Wire.readString(in));
        byte[] learnerHeader = new byte[in.available()];
        in.readFully(learnerHeader);
        LearnerLayout written = layouts.get(Learner.configurationOf(learnerHeader));
        boolean same = written.equals(factory.layout());
        ResidentLearner resident = new ResidentLearner(
                same
                        ? whole(model, factory, learnerHeader, blockCount)
                        : parameters(model, factory, learnerHeader, written, blockCount));
        resident.arenaStored = same;
        resident.storedBlocks = blockCount;
        for (ParkedExamples entry; (entry = parked.get(resident.parkedEntries)) != null; resident.parkedEntries++) {
            entry.examples().forEach(resident::park);
        }
        resident.parkedChanged = false;
        return resident;
    }

    private Learner whole(String model, LearnerFactory factory, byte[] learnerHeader, int blockCount) throws Exception {
        Learner learner = factory.restore(model, learnerHeader);
        readArena(model, learner.arena(), blockCount);
        return learner;
    }

    /** A learner of another optimizer goes on with its parameters. */
    private Learner parameters(
            String model, LearnerFactory factory, byte[] learnerHeader, LearnerLayout layout, int blockCount)
            throws Exception {
        try (Arena memory = new Arena(Precision.FLOAT, layout.tensors(), layout.counters())) {
            readArena(model, memory, blockCount);
            return factory.restoreParameters(model, learnerHeader, layout, memory);
        }
    }

    /** Learners that were read and had been written by a process with other numerics. */
    long ofOtherNumerics() {
        return ofOtherNumerics;
    }

    private void report(String model, String writer) {
        if (writer.equals(fingerprint)) {
            return;
        }
        if (ofOtherNumerics++ == 0) {
            LOG.warn(
                    "Model '{}' was written under numerics '{}', this process computes under '{}': from here on it may"
                            + " differ in the last bits from an uninterrupted run. Further models are only counted.",
                    model,
                    writer,
                    fingerprint);
        }
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
        for (int obsolete = blockCount; obsolete < resident.storedBlocks; obsolete++) {
            blocks.remove(obsolete);
        }
        resident.storedBlocks = blockCount;
        arena.clearDirty();
        resident.arenaStored = true;

        byte[] learnerHeader = resident.learner().header();
        DataOutputSerializer out = new DataOutputSerializer(64 + learnerHeader.length);
        out.writeByte(LAYOUT);
        out.writeInt(blockCount);
        Wire.writeString(fingerprint, out);
        out.write(learnerHeader);
        header.update(out.getCopyOfBuffer());
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
