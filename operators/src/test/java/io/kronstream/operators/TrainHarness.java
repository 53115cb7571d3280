// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.Example;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.state.DeadLetter;
import io.kronstream.state.KronstreamTypes;
import io.kronstream.state.ModelScore;
import io.kronstream.state.TensorChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;

/**
 * One subtask of TRAIN in Flink's operator harness on RocksDB, single-threaded: the test decides when which request is
 * answered, and when mails run.
 */
final class TrainHarness implements AutoCloseable {
    static final int MAX_PARALLELISM = 16;

    final Deque<RefreshRequest> requests = new ArrayDeque<>();
    final List<DeadLetter> deadLetters = new ArrayList<>();

    private final Outcome outcome;
    private boolean answersAtOnce;
    private final HeldChannel channel = new HeldChannel();
    private final RefreshWorker worker = new RefreshWorker();
    private final KeyedOneInputStreamOperatorTestHarness<String, Example, ModelScore> harness;

    /** A subtask whose results go to the outcome; not opened yet. */
    TrainHarness(TrainSettings settings, Outcome outcome, boolean answersAtOnce, int parallelism, int subtask)
            throws Exception {
        this(settings, outcome, answersAtOnce, parallelism, subtask, false);
    }

    TrainHarness(
            TrainSettings settings,
            Outcome outcome,
            boolean answersAtOnce,
            int parallelism,
            int subtask,
            boolean weightsOnly)
            throws Exception {
        this.outcome = outcome;
        this.answersAtOnce = answersAtOnce;
        harness = new KeyedOneInputStreamOperatorTestHarness<>(
                new TrainOperatorFactory(settings, channel, weightsOnly),
                Example::model,
                Types.STRING,
                MAX_PARALLELISM,
                parallelism,
                subtask);
        ((SerializerConfigImpl) harness.getExecutionConfig().getSerializerConfig()).setGenericTypes(false);
        // full snapshots: the harness cannot resolve what an incremental one shares with the one before it
        harness.setStateBackend(new EmbeddedRocksDBStateBackend(false));
        harness.setOutputCreator(serializer -> new Routed());
        harness.setProcessingTime(0);
        harness.setup(KronstreamTypes.MODEL_SCORE.createSerializer(
                harness.getExecutionConfig().getSerializerConfig()));
    }

    /** The only subtask, started from nothing. */
    static TrainHarness start(TrainSettings settings, Outcome outcome, boolean answersAtOnce) throws Exception {
        TrainHarness train = new TrainHarness(settings, outcome, answersAtOnce, 1, 0);
        train.open(null);
        return train;
    }

    /** Opens with a state, or none; does not run the mails that this posts. */
    void open(OperatorSubtaskState state) throws Exception {
        if (state == null) {
            harness.initializeEmptyState();
        } else {
            harness.initializeState(state);
        }
        harness.open();
    }

    /** Processes examples one by one, and after each of them the mails that there are. */
    void process(List<Example> examples) throws Exception {
        for (Example example : examples) {
            processWithoutMails(example);
            runMails();
        }
    }

    void processWithoutMails(Example example) throws Exception {
        harness.processElement(new StreamRecord<>(example));
    }

    void runMails() throws Exception {
        Optional<Mail> mail;
        while ((mail = harness.getTaskMailbox().tryTake(TaskMailbox.MIN_PRIORITY)).isPresent()) {
            mail.get().run();
        }
    }

    /** Answers the eldest request. */
    void answerNext() {
        deliver(compute(requests.removeFirst()));
    }

    /** From now on every request is answered as it is made. */
    void answerAtOnce() {
        answersAtOnce = true;
    }

    void answerAll() throws Exception {
        while (!requests.isEmpty()) {
            answerNext();
            runMails();
        }
    }

    RefreshAnswer compute(RefreshRequest request) {
        return worker.compute(request);
    }

    /** What the channel's thread does when an answer arrives. */
    void deliver(RefreshAnswer answer) {
        channel.deliver(answer);
    }

    void setProcessingTime(long millis) throws Exception {
        harness.setProcessingTime(millis);
    }

    void endInput() throws Exception {
        harness.endInput();
    }

    OperatorSubtaskState snapshot(long checkpoint) throws Exception {
        harness.prepareSnapshotPreBarrier(checkpoint);
        return harness.snapshot(checkpoint, 0);
    }

    /** Tells that a checkpoint has completed everywhere. */
    void completed(long checkpoint) throws Exception {
        harness.notifyOfCompletedCheckpoint(checkpoint);
    }

    long count(String counter) {
        return (Long) harness.getEnvironment()
                .getAccumulatorRegistry()
                .getUserMap()
                .get(counter)
                .getLocalValue();
    }

    TrainOperator operator() {
        return (TrainOperator) harness.getOperator();
    }

    @Override
    public void close() {
        try (worker) {
            harness.close();
        } catch (Exception e) {
            throw new IllegalStateException("TRAIN cannot be closed", e);
        }
    }

    /** Keeps what TRAIN emits. */
    private final class Routed implements Output<StreamRecord<ModelScore>> {
        @Override
        public void collect(StreamRecord<ModelScore> record) {
            outcome.add(record.getValue());
        }

        @Override
        public <X> void collect(OutputTag<X> tag, StreamRecord<X> record) {
            X value = record.getValue();
            if (value instanceof PublishedModel version) {
                outcome.add(version);
            } else if (value instanceof RefreshRequest request) {
                requests.addLast(request);
                if (answersAtOnce) {
                    answerNext();
                }
            } else {
                deadLetters.add((DeadLetter) value);
            }
        }

        @Override
        public void emitWatermark(Watermark mark) {}

        @Override
        public void emitWatermark(WatermarkEvent watermark) {}

        @Override
        public void emitWatermarkStatus(WatermarkStatus status) {}

        @Override
        public void emitLatencyMarker(LatencyMarker marker) {}

        @Override
        public void emitRecordAttributes(RecordAttributes attributes) {}

        @Override
        public void close() {}
    }

    /** A channel that carries what the test hands it. */
    private static final class HeldChannel implements TensorChannel {
        private static final long serialVersionUID = 1;

        private transient Consumer<RefreshAnswer> reader;

        @Override
        public AutoCloseable read(int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer) {
            reader = onAnswer;
            return () -> reader = null;
        }

        @Override
        public Writer write(int parallelism, int maxParallelism) {
            throw new UnsupportedOperationException("The test delivers answers itself");
        }

        void deliver(RefreshAnswer answer) {
            reader.accept(answer);
        }
    }
}
