// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.state.LearnerStore;
import java.util.List;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;

/**
 * What TRAIN has done since the job first started, as accumulators of the job. They are part of the snapshots, so a
 * replayed example counts once. The two that tell what came of answers ({@link #REFRESHES_LATE},
 * {@link #REFRESHES_DISCARDED}) count events: an answer repeated after a restore counts again.
 */
public final class TrainCounters {
    /** Examples that arrived. */
    public static final String EXAMPLES = "examples";
    /** Optimizer steps. */
    public static final String STEPS = "steps";
    /** Refreshes asked of EIGEN-REFRESH. */
    public static final String REFRESHES_REMOTE = "refreshesRemote";
    /** Refreshes computed in TRAIN as soon as they were asked for. */
    public static final String REFRESHES_INLINE = "refreshesInline";
    /** Refreshes whose decomposition failed: the old basis was kept. */
    public static final String REFRESHES_FAILED = "refreshesFailed";
    /** Refreshes asked of EIGEN-REFRESH, but computed in TRAIN since no usable answer came in time. */
    public static final String REFRESHES_LATE = "refreshesLate";
    /** Answers that were duplicates, not asked for, or computed under other numerics. */
    public static final String REFRESHES_DISCARDED = "refreshesDiscarded";
    /** Mini-batches that were refused and changed nothing. */
    public static final String REJECTED_BATCHES = "rejectedBatches";
    /** Examples that had to wait in front of their model. */
    public static final String PARKED = "parkedExamples";
    /** Refreshes asked of EIGEN-REFRESH, but computed in TRAIN since the stream had ended. */
    public static final String REFRESHES_DRAINED = "refreshesDrained";
    /** Refreshes that were not needed: the old basis still fitted. */
    public static final String REFRESHES_SKIPPED = "refreshesSkipped";
    /** Examples that came from a second partition of their model, which ordered mode rules out. */
    public static final String REFUSED = "refusedExamples";
    /** Refreshes whose result was installed. */
    public static final String REFRESHES_APPLIED = "refreshesApplied";
    /** Models that were wanted and not in the cache: read from the state, or new. */
    public static final String LOADED = "loadedModels";
    /** Models that had to leave the cache. */
    public static final String EVICTED = "evictedModels";

    /** Commands that arrived, repetitions and refused ones included. */
    public static final String COMMANDS = "commands";
    /** Commands that changed nothing, and were answered by a dead letter. */
    public static final String REFUSED_COMMANDS = "refusedCommands";

    /** Their order is the order in saved state: new ones go to the end. */
    private static final List<String> NAMES = List.of(
            EXAMPLES,
            STEPS,
            REFRESHES_REMOTE,
            REFRESHES_INLINE,
            REFRESHES_FAILED,
            REFRESHES_LATE,
            REFRESHES_DISCARDED,
            REJECTED_BATCHES,
            PARKED,
            REFRESHES_DRAINED,
            REFUSED,
            REFRESHES_SKIPPED,
            LOADED,
            EVICTED,
            COMMANDS,
            REFUSED_COMMANDS,
            REFRESHES_APPLIED);

    final LongCounter examples;
    final LongCounter steps;
    final LongCounter refreshesRemote;
    final LongCounter refreshesInline;
    final LongCounter refreshesFailed;
    final LongCounter refreshesLate;
    final LongCounter refreshesDiscarded;
    final LongCounter rejectedBatches;
    final LongCounter parked;
    final LongCounter refreshesDrained;
    final LongCounter refused;
    final LongCounter refreshesSkipped;
    final LongCounter refreshesApplied;
    final LongCounter commands;
    final LongCounter refusedCommands;

    private final LongCounter loaded;
    private final LongCounter evicted;
    private long countedLoads;
    private long countedEvictions;

    private final List<LongCounter> counters;
    private final ListState<long[]> state;

    /** Registers the accumulators, which start at what the restored state says. */
    TrainCounters(RuntimeContext context, OperatorStateStore states) throws Exception {
        state = states.getListState(
                new ListStateDescriptor<>("train-counters", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
        counters = NAMES.stream().map(name -> new LongCounter()).toList();
        for (long[] restored : state.get()) { // after a change of parallelism none, one or several
            for (int i = 0; i < restored.length; i++) {
                counters.get(i).add(restored[i]);
            }
        }
        for (int i = 0; i < counters.size(); i++) {
            context.addAccumulator(NAMES.get(i), counters.get(i));
        }
        examples = counters.get(NAMES.indexOf(EXAMPLES));
        steps = counters.get(NAMES.indexOf(STEPS));
        refreshesRemote = counters.get(NAMES.indexOf(REFRESHES_REMOTE));
        refreshesInline = counters.get(NAMES.indexOf(REFRESHES_INLINE));
        refreshesFailed = counters.get(NAMES.indexOf(REFRESHES_FAILED));
        refreshesLate = counters.get(NAMES.indexOf(REFRESHES_LATE));
        refreshesDiscarded = counters.get(NAMES.indexOf(REFRESHES_DISCARDED));
        rejectedBatches = counters.get(NAMES.indexOf(REJECTED_BATCHES));
        parked = counters.get(NAMES.indexOf(PARKED));
        refreshesDrained = counters.get(NAMES.indexOf(REFRESHES_DRAINED));
        refused = counters.get(NAMES.indexOf(REFUSED));
        refreshesSkipped = counters.get(NAMES.indexOf(REFRESHES_SKIPPED));
        commands = counters.get(NAMES.indexOf(COMMANDS));
        refusedCommands = counters.get(NAMES.indexOf(REFUSED_COMMANDS));
        refreshesApplied = counters.get(NAMES.indexOf(REFRESHES_APPLIED));
        loaded = counters.get(NAMES.indexOf(LOADED));
        evicted = counters.get(NAMES.indexOf(EVICTED));
    }

    /** Takes over what the cache has counted since the last time. */
    void countCache(LearnerStore store) {
        loaded.add(store.misses() - countedLoads);
        evicted.add(store.evictions() - countedEvictions);
        countedLoads = store.misses();
        countedEvictions = store.evictions();
    }

    void snapshot() throws Exception {
        state.update(List.of(
                counters.stream().mapToLong(LongCounter::getLocalValuePrimitive).toArray()));
    }
}
