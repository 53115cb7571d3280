// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.learner.Example;
import io.kronstream.state.DeadLetter;
import io.kronstream.state.KronstreamTypes;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Decodes raw records; those that cannot be decoded leave through {@link #DEAD_LETTERS}. Their number is the
 * accumulator and the metric {@value #REJECTED}; the accumulator is exact across restores. The metric is there for each
 * reason, too, as {@code reason.REASON.rejected}.
 *
 * <p>When of the last window of records a larger share than allowed was rejected, the job fails for good: a restart would
 * find the same records. Windows do not overlap, and begin anew after a restore.
 */
public final class DecodeFunction extends ProcessFunction<RawRecord, Example> implements CheckpointedFunction {
    private static final long serialVersionUID = 1;

    public static final OutputTag<DeadLetter> DEAD_LETTERS =
            new OutputTag<>("dead-letters", KronstreamTypes.DEAD_LETTER);

    /** Name of the accumulator and of the metric: records that could not be decoded. */
    public static final String REJECTED = "rejected";

    /** Bytes of a rejected value that are kept. */
    public static final int MAX_DEAD_LETTER_BYTES = 64 << 10;

    private static final ListStateDescriptor<Long> REJECTED_STATE =
            new ListStateDescriptor<>("rejected", LongSerializer.INSTANCE);

    private final ExampleDecoder decoder;
    private final double maxRejectedShare;
    private final long window;
    private final LongCounter rejected = new LongCounter();
    private transient ListState<Long> rejectedState;
    private transient Counter rejectedMetric;
    private transient Map<String, Counter> rejectedByReason;
    private transient long windowRecords;
    private transient long windowRejected;

    /** Rejects whatever it must, be it everything. */
    public DecodeFunction(ExampleDecoder decoder) {
        this(decoder, 1, Long.MAX_VALUE);
    }

    /**
     * @param maxRejectedShare of the records of a window; 1 for all
     * @param window records of this subtask
     */
    public DecodeFunction(ExampleDecoder decoder, double maxRejectedShare, long window) {
        this.decoder = decoder;
        this.maxRejectedShare = maxRejectedShare;
        this.window = window;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        rejectedState = context.getOperatorStateStore().getListState(REJECTED_STATE);
        for (long before : rejectedState.get()) {
            rejected.add(before);
        }
    }

    @Override
    public void open(OpenContext context) {
        getRuntimeContext().addAccumulator(REJECTED, rejected);
        rejectedMetric = getRuntimeContext().getMetricGroup().counter(REJECTED);
        rejectedByReason = new HashMap<>();
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        rejectedState.update(List.of(rejected.getLocalValuePrimitive()));
    }

    @Override
    public void processElement(RawRecord raw, Context context, Collector<Example> out) {
        List<Example> examples;
        try {
            examples = decoder.decode(raw);
        } catch (UndecodableException e) {
            rejected.add(1);
            rejectedMetric.inc();
            rejectedByReason.computeIfAbsent(e.reason(), this::counter).inc();
            context.output(DEAD_LETTERS, deadLetter(raw, e));
            count(raw, e);
            return;
        }
        examples.forEach(out::collect);
        count(raw, null);
    }

    private Counter counter(String reason) {
        return getRuntimeContext().getMetricGroup().addGroup("reason", reason).counter(REJECTED);
    }

    private void count(RawRecord raw, UndecodableException problem) {
        windowRecords++;
        windowRejected += problem == null ? 0 : 1;
        if (windowRecords < window) {
            return;
        }
        if (windowRejected > maxRejectedShare * windowRecords) {
            throw new SuppressRestartsException(new IllegalStateException(
                    "The stream has gone bad: of the last " + windowRecords + " records up to topic " + raw.topic()
                            + " partition " + raw.partition() + " offset " + raw.offset() + ", " + windowRejected
                            + " were rejected, more than the allowed share of " + maxRejectedShare
                            + (problem == null ? "" : "; the last one: " + problem.sentence())));
        }
        windowRecords = 0;
        windowRejected = 0;
    }

    private static DeadLetter deadLetter(RawRecord raw, UndecodableException e) {
        return new DeadLetter(
                raw.topic(),
                raw.partition(),
                raw.offset(),
                raw.timestamp(),
                e.reason(),
                e.sentence(),
                cut(raw.key()),
                cut(raw.value()));
    }

    private static byte[] cut(byte[] value) {
        return value == null || value.length <= MAX_DEAD_LETTER_BYTES
                ? value
                : Arrays.copyOf(value, MAX_DEAD_LETTER_BYTES);
    }
}
