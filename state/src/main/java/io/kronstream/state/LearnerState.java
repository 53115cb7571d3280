// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerLayout;
import io.kronstream.linalg.Arena;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One learner as keyed state, always that of the current key: its header, the blocks of its arena, the examples parked in
 * front of it, and a mark on keys that wait for something.
 */
final class LearnerState {
    /** Every key that waits for an answer, or has parked examples, has this state; no other has it. */
    static final String PENDING = "learner-pending";

    static final String PARKED = "learner-parked";

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
        header = states.getState(StoredLearner.HEADER);
        blocks = states.getMapState(StoredLearner.BLOCKS);
        parked = states.getMapState(new MapStateDescriptor<>(
                PARKED, Types.INT, new CodecTypeInformation<>(ParkedExamples.class, new ParkedExamplesCodec())));
        pending = states.getState(new ValueStateDescriptor<>(PENDING, Types.BOOLEAN));
    }

    /** The learner of the current key, or null if it has none. */
    ResidentLearner read(String model, LearnerFactory factory) throws Exception {
        byte[] bytes = header.value();
        if (bytes == null) {
            return null;
        }
        StoredLearner stored = StoredLearner.of(bytes);
        report(model, stored.fingerprint());
        LearnerLayout layout = layouts.get(stored.summary().configuration());
        boolean same = layout.equals(factory.layout());
        ResidentLearner resident =
                new ResidentLearner(same ? whole(model, factory, stored) : parameters(model, factory, stored, layout));
        resident.arenaStored = same;
        resident.storedBlocks = stored.blockCount();
        for (ParkedExamples entry; (entry = parked.get(resident.parkedEntries)) != null; resident.parkedEntries++) {
            entry.examples().forEach(resident::park);
        }
        resident.parkedChanged = false;
        return resident;
    }

    private Learner whole(String model, LearnerFactory factory, StoredLearner stored) throws Exception {
        Learner learner = factory.restore(model, stored.header());
        stored.fill(learner.arena(), model, blocks, packing);
        return learner;
    }

    /** A learner of another optimizer goes on with its parameters. */
    private Learner parameters(String model, LearnerFactory factory, StoredLearner stored, LearnerLayout layout)
            throws Exception {
        try (Arena memory = stored.arena(model, layout, blocks)) {
            return factory.restoreParameters(model, stored.header(), layout, memory);
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

        header.update(
                new StoredLearner(blockCount, fingerprint, resident.learner().header()).bytes());
        if (resident.parkedChanged) {
            writeParked(resident);
        }
        if (resident.isWaiting() || resident.hasOutstanding()) {
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
