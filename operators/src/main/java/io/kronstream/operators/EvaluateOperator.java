// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.evaluation.EventTimeWindows;
import io.kronstream.evaluation.WindowMetrics;
import io.kronstream.learner.Task;
import io.kronstream.state.ModelScore;
import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * See {@link EvaluateOperatorFactory}. The tallies of the models that were scored last are in memory; what changed is
 * written when a snapshot is taken, or when they have to leave. The current key is set for that alone, not for each score.
 */
final class EvaluateOperator extends AbstractStreamOperator<WindowMetrics>
        implements OneInputStreamOperator<ModelScore, WindowMetrics>, BoundedOneInput {
    private static final long serialVersionUID = 1;

    /** Models in memory: at most some 30 KB each. */
    static final int MAX_RESIDENT = 512;

    private static final ValueStateDescriptor<byte[]> WINDOWS =
            new ValueStateDescriptor<>("windows", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);

    private final Task task;
    private final double level;
    private final long windowMillis;

    private transient Consumer<WindowMetrics> emit;
    private transient ValueState<byte[]> stored;
    private transient Map<String, EventTimeWindows> resident;
    private transient Set<String> dirty;
    private transient EvaluateMetrics metrics;

    /** Of the model that was scored last, for the scores of a mini-batch come together; else null. */
    private transient String latest;

    private transient EventTimeWindows latestWindows;

    EvaluateOperator(StreamOperatorParameters<WindowMetrics> parameters, Task task, double level, long windowMillis) {
        super(parameters);
        this.task = task;
        this.level = level;
        this.windowMillis = windowMillis;
    }

    @Override
    public void open() throws Exception {
        super.open();
        emit = this::emit;
        stored = getKeyedStateStore().getState(WINDOWS);
        resident = new LinkedHashMap<>(16, 0.75f, true); // eldest use first
        dirty = new LinkedHashSet<>();
        metrics = new EvaluateMetrics(getMetricGroup(), task);
    }

    @Override
    public void processElement(StreamRecord<ModelScore> record) throws Exception {
        ModelScore scored = record.getValue();
        if (!scored.model().equals(latest)) {
            latestWindows = enter(scored.model());
            latest = scored.model();
            dirty.add(latest);
        }
        metrics.scored(latestWindows.add(scored.score(), emit));
    }

    /** See the class: the key is not set for each score. */
    @Override
    public boolean hasKeyContext1() {
        return false;
    }

    @Override
    public void endInput() throws Exception {
        Set<String> models = new TreeSet<>(resident.keySet());
        try (Stream<String> keys =
                this.<String>getKeyedStateBackend().getKeys(WINDOWS.getName(), VoidNamespace.INSTANCE)) {
            keys.forEach(models::add);
        }
        for (String model : models) {
            EventTimeWindows windows = enter(model);
            dirty.add(model);
            windows.end(emit);
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        for (String model : dirty) {
            write(model, resident.get(model));
        }
        dirty.clear();
        latest = null;
        super.snapshotState(context);
    }

    private EventTimeWindows enter(String model) throws Exception {
        EventTimeWindows windows = resident.get(model);
        if (windows == null) {
            windows = new EventTimeWindows(model, task, level, windowMillis);
            setCurrentKey(model);
            byte[] bytes = stored.value();
            if (bytes != null) {
                windows.read(new DataInputDeserializer(bytes));
            }
            makeRoom();
            resident.put(model, windows);
        }
        return windows;
    }

    private void makeRoom() throws IOException {
        Iterator<Map.Entry<String, EventTimeWindows>> eldestFirst =
                resident.entrySet().iterator();
        while (resident.size() >= MAX_RESIDENT) {
            Map.Entry<String, EventTimeWindows> eldest = eldestFirst.next();
            if (dirty.remove(eldest.getKey())) {
                write(eldest.getKey(), eldest.getValue());
            }
            eldestFirst.remove();
        }
    }

    private void write(String model, EventTimeWindows windows) throws IOException {
        setCurrentKey(model);
        DataOutputSerializer out = new DataOutputSerializer(256);
        windows.write(out);
        stored.update(out.getCopyOfBuffer());
    }

    private void emit(WindowMetrics closed) {
        metrics.closed(closed);
        output.collect(new StreamRecord<>(closed));
    }
}
