// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Example;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.linalg.Numerics;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.runtime.state.VoidNamespace;

/**
 * The learners of one subtask: a write-back cache over keyed state. A learner is read once, works in memory, and what
 * changed is written when a snapshot is taken or when the learner has to leave; per step, no state is touched.
 *
 * <p>The cache holds so many bytes, heap and native together. Beyond them the learners that were used longest ago leave:
 * first those that wait for nothing, then those that have asked for a refresh and could go on learning meanwhile; these
 * ask again when they come back. What stays beyond the bound is the learner in use, and those that have closed a
 * mini-batch and wait for an answer to learn it: their examples would pile up in the state.
 *
 * <p>It sets the current key itself, whenever it reads or writes the state; nobody else need do so for each record.
 *
 * <p>Not thread-safe, but for the figures that metrics show.
 */
public final class LearnerStore implements AutoCloseable {
    /** Learners that are passed over in one search for one that may leave: bounds the work per example. */
    private static final int MAX_PASSED_OVER = 16;

    private final KeyedStateBackend<String> keys;
    private final LearnerState state;
    private final LearnerFactory factory;
    private final long cacheBytes;
    private final Map<String, ResidentLearner> resident = new LinkedHashMap<>(16, 0.75f, true); // eldest use first
    private final Set<ResidentLearner> dirty = new LinkedHashSet<>();

    // what changes with every example is stored lazily: a metric may see it a moment later
    private final AtomicLong residentNativeBytes = new AtomicLong();
    private final AtomicLong residentHeapBytes = new AtomicLong();
    private final AtomicLong hits = new AtomicLong();
    private volatile int residentModels;
    private volatile long misses;
    private volatile long writeBacks;
    private volatile long evictions;
    private volatile long parkedBytes;
    private volatile int parkedModels;
    private volatile long ofOtherNumerics;

    /**
     * @param keys sets the current key, and lists all keys
     * @param states where the keyed state is
     * @param factory creates the learners
     * @param layouts what the learners in the state are made of
     * @param cacheBytes heap and native bytes that learners may hold
     */
    public LearnerStore(
            KeyedStateBackend<String> keys,
            KeyedStateStore states,
            LearnerFactory factory,
            LearnerLayouts layouts,
            long cacheBytes) {
        this(keys, states, factory, layouts, cacheBytes, Numerics.fingerprint());
    }

    LearnerStore(
            KeyedStateBackend<String> keys,
            KeyedStateStore states,
            LearnerFactory factory,
            LearnerLayouts layouts,
            long cacheBytes,
            String fingerprint) {
        this.keys = keys;
        this.state = new LearnerState(states, layouts, fingerprint);
        this.factory = factory;
        this.cacheBytes = cacheBytes;
    }

    /** A learner that is in memory, or null. */
    public ResidentLearner resident(String model) {
        ResidentLearner learner = resident.get(model);
        if (learner != null) {
            hits.lazySet(hits.getPlain() + 1);
        }
        return learner;
    }

    /** Whether a learner is in memory. */
    public boolean isResident(String model) {
        return resident.containsKey(model);
    }

    /** Reads a learner, or creates it; it must not be in memory. Its model is the current key afterwards. */
    public ResidentLearner load(String model) throws Exception {
        misses++;
        keys.setCurrentKey(model);
        ResidentLearner loaded = state.read(model, factory);
        ofOtherNumerics = state.ofOtherNumerics();
        if (loaded == null) {
            loaded = new ResidentLearner(factory.create(model));
        }
        resident.put(model, loaded);
        residentModels = resident.size();
        if (loaded.hasParked()) {
            parkedModels++;
            parkedBytes += loaded.parkedBytes();
        }
        measure(loaded);
        return loaded;
    }

    /** Says that a learner has changed, and makes room if it has grown. It stays in memory itself. */
    public void changed(ResidentLearner learner) throws Exception {
        if (!learner.dirty) {
            learner.dirty = true;
            dirty.add(learner);
        }
        measure(learner);
        if (residentBytes() > cacheBytes) {
            evict(learner);
        }
    }

    /** Takes a learner out of memory without writing it: it is as it was when it was loaded. */
    public void drop(ResidentLearner learner) {
        resident.remove(learner.learner().model());
        residentModels = resident.size();
        count(learner, 0, 0);
        learner.learner().close();
    }

    /** Lets an example wait behind those that already wait for this learner. */
    public void park(ResidentLearner learner, Example example) {
        if (!learner.hasParked()) {
            parkedModels++;
        }
        learner.park(example);
        parkedBytes += example.bytes();
    }

    /** Removes the example that has waited longest. */
    public void unpark(ResidentLearner learner) {
        parkedBytes -= learner.firstParked().bytes();
        learner.unpark();
        if (!learner.hasParked()) {
            parkedModels--;
        }
    }

    /** Writes everything that has changed into the keyed state. */
    public void flush() throws Exception {
        for (ResidentLearner learner : dirty) {
            write(learner);
        }
        dirty.clear();
    }

    /** Keys in the state that waited for an answer, or had parked examples, when it was written; sorted. */
    public List<String> pendingModels() {
        return new ArrayList<>(storedKeys(LearnerState.PENDING));
    }

    /** Every model of this subtask, in memory or in the state; sorted. */
    public List<String> models() {
        Set<String> models = storedKeys(StoredLearner.HEADER.getName());
        models.addAll(resident.keySet());
        return new ArrayList<>(models);
    }

    /** Heap and native bytes of the learners in memory. */
    public long residentBytes() {
        return residentHeapBytes.get() + residentNativeBytes.get();
    }

    /** The part of {@link #residentBytes()} that is on the heap. */
    public long residentHeapBytes() {
        return residentHeapBytes.get();
    }

    /** The part of {@link #residentBytes()} that is not. */
    public long residentNativeBytes() {
        return residentNativeBytes.get();
    }

    public int residentModels() {
        return residentModels;
    }

    /** How often a learner was wanted and was in memory. */
    public long hits() {
        return hits.get();
    }

    /** How often a learner was wanted and had to be read or created. */
    public long misses() {
        return misses;
    }

    /** Learners written into the keyed state, by snapshots or because they had to leave. */
    public long writeBacks() {
        return writeBacks;
    }

    /** Learners that had to leave so far. */
    public long evictions() {
        return evictions;
    }

    /** Heap bytes of the examples that wait. */
    public long parkedBytes() {
        return parkedBytes;
    }

    /** Models whose examples wait. */
    public int parkedModels() {
        return parkedModels;
    }

    /** Learners read so far that a process with other numerics had written. */
    public long ofOtherNumerics() {
        return ofOtherNumerics;
    }

    /** Frees every learner; what was not flushed is lost. */
    @Override
    public void close() {
        resident.values().forEach(learner -> learner.learner().close());
        resident.clear();
        dirty.clear();
    }

    private Set<String> storedKeys(String stateName) {
        Set<String> models = new TreeSet<>();
        try (Stream<String> stored = keys.getKeys(stateName, VoidNamespace.INSTANCE)) {
            stored.forEach(models::add);
        }
        return models;
    }

    private void evict(ResidentLearner current) throws Exception {
        evict(current, false);
        if (residentBytes() > cacheBytes) {
            evict(current, true);
        }
        residentModels = resident.size();
    }

    private void evict(ResidentLearner current, boolean withOutstanding) throws Exception {
        List<String> passedOver = new ArrayList<>();
        Iterator<Map.Entry<String, ResidentLearner>> eldestFirst =
                resident.entrySet().iterator();
        while (residentBytes() > cacheBytes && passedOver.size() < MAX_PASSED_OVER && eldestFirst.hasNext()) {
            Map.Entry<String, ResidentLearner> eldest = eldestFirst.next();
            ResidentLearner learner = eldest.getValue();
            if (learner == current || learner.isWaiting() || !withOutstanding && learner.hasOutstanding()) {
                passedOver.add(eldest.getKey());
                continue;
            }
            if (dirty.remove(learner)) {
                write(learner);
            }
            eldestFirst.remove();
            count(learner, 0, 0);
            learner.learner().close();
            evictions++;
        }
        if (withOutstanding) {
            passedOver.forEach(resident::get); // counts as used, so that the next search starts behind them
        }
    }

    private void count(ResidentLearner learner, long heapBytes, long nativeBytes) {
        residentHeapBytes.lazySet(residentHeapBytes.getPlain() + heapBytes - learner.heapBytes);
        residentNativeBytes.lazySet(residentNativeBytes.getPlain() + nativeBytes - learner.nativeBytes);
        learner.heapBytes = heapBytes;
        learner.nativeBytes = nativeBytes;
    }

    private void write(ResidentLearner learner) throws Exception {
        keys.setCurrentKey(learner.learner().model());
        state.write(learner);
        writeBacks++;
    }

    private void measure(ResidentLearner learner) {
        count(learner, learner.learner().heapBytes(), learner.learner().nativeBytes());
    }
}
