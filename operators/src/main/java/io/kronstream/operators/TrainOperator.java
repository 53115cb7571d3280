// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.Score;
import io.kronstream.learner.StepReport;
import io.kronstream.state.DeadLetter;
import io.kronstream.state.LearnerLayouts;
import io.kronstream.state.LearnerStore;
import io.kronstream.state.ModelScore;
import io.kronstream.state.ResidentLearner;
import io.kronstream.state.TensorChannel;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.IOUtils;
import org.apache.flink.util.OutputTag;
import org.apache.flink.util.function.ThrowingRunnable;

/**
 * See {@link TrainOperatorFactory}.
 *
 * <p>Everything happens in the task's own thread: examples in {@link #processElement}, answers and deadlines in mails. The
 * thread that reads the channel and the processing-time timer do nothing but post mails. A mail sets the key it is
 * about and puts the present one back.
 *
 * <p>A model that waits for a refresh is parked: its examples queue up, those of other models go on, and the answer's mail
 * takes up the queue. Only when the queues exceed their bound does the subtask stand still, yielding to its mailbox. While
 * it does, checkpoints wait too; the deadline bounds how long.
 */
final class TrainOperator extends AbstractStreamOperator<ModelScore>
        implements OneInputStreamOperator<Example, ModelScore>, BoundedOneInput {
    private static final long serialVersionUID = 1;

    private final TrainSettings settings;
    private final TensorChannel channel;
    private final boolean weightsOnly;
    private final transient MailboxExecutor mailbox;

    private transient TrainCounters counters;
    private transient LearnerLayouts layouts;
    private transient TrainMetrics metrics;
    private transient LearnerFactory factory;
    private transient LearnerStore store;
    private transient RefreshWorker worker;
    private transient RefreshLedger ledger;
    private transient AutoCloseable reader;
    private transient boolean deadlineArmed;
    private transient boolean inputEnded;
    private transient Set<String> unfinished;

    TrainOperator(
            StreamOperatorParameters<ModelScore> parameters,
            TrainSettings settings,
            TensorChannel channel,
            boolean weightsOnly) {
        super(parameters);
        this.settings = settings;
        this.channel = channel;
        this.weightsOnly = weightsOnly;
        this.mailbox = parameters.getMailboxExecutor();
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        counters = new TrainCounters(getRuntimeContext(), context.getOperatorStateStore());
        factory = new LearnerFactory(settings.learner());
        layouts = LearnerLayouts.restore(
                context.getOperatorStateStore(), factory.layout(), settings.learner(), weightsOnly);
    }

    @Override
    public void open() throws Exception {
        super.open();
        KeyedStateBackend<String> keys = getKeyedStateBackend();
        worker = new RefreshWorker();
        ledger = new RefreshLedger();
        unfinished = new LinkedHashSet<>();
        store = new LearnerStore(keys, getKeyedStateStore(), factory, layouts, settings.cacheBytes());
        metrics = new TrainMetrics(getMetricGroup(), store);
        if (settings.refresh() == RefreshMode.REMOTE) {
            TaskInfo task = getRuntimeContext().getTaskInfo();
            reader = channel.read(
                    task.getIndexOfThisSubtask(),
                    task.getNumberOfParallelSubtasks(),
                    task.getMaxNumberOfParallelSubtasks(),
                    answer -> post(() -> onAnswer(answer), "refresh answer"));
        }
        // The reader's position is fixed by now, so what is asked again from here on will be heard.
        for (String model : store.pendingModels()) {
            post(() -> withKey(model, () -> store.changed(enter(model))), "restored model");
        }
    }

    @Override
    public void processElement(StreamRecord<Example> record) throws Exception {
        Example example = record.getValue();
        counters.examples.add(1);
        ResidentLearner learner = enter(example.model());
        if (learner.hasParked() || !learner.learner().offer(example, new Events(learner))) {
            store.park(learner, example);
            counters.parked.add(1);
        }
        store.changed(learner);
        standStill(example.model());
    }

    @Override
    public void endInput() throws Exception {
        inputEnded = true;
        for (String model : store.models()) {
            unfinished.add(model);
            setCurrentKey(model);
            ResidentLearner learner = enter(model);
            finish(learner);
            store.changed(learner);
            while (store.residentBytes() > settings.cacheBytes() && !unfinished.isEmpty()) {
                mailbox.yield(); // those that wait cannot leave the cache before they are answered
            }
        }
        while (!unfinished.isEmpty()) {
            mailbox.yield();
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        store.flush();
        counters.snapshot();
        if (getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() == 0) {
            layouts.snapshot();
        }
        super.snapshotState(context);
    }

    @Override
    public void close() throws Exception {
        IOUtils.closeAll(reader, store, factory, worker, super::close);
    }

    /** The subtask's learners, for its tests. */
    LearnerStore store() {
        return store;
    }

    /** The learner of the current key, in memory. One that comes from the state asks again for what it misses. */
    private ResidentLearner enter(String model) throws Exception {
        ResidentLearner resident = store.resident(model);
        if (resident != null) {
            return resident;
        }
        ResidentLearner loaded = store.load(model);
        List<RefreshRequest> missing = List.copyOf(loaded.learner().outstanding());
        for (RefreshRequest request : missing) {
            ask(loaded.learner(), request);
        }
        if (!missing.isEmpty() || loaded.learner().waiting()) { // with weights only it may wait for nothing
            proceed(loaded);
        }
        return loaded;
    }

    private void ask(Learner learner, RefreshRequest request) {
        if (settings.refresh() == RefreshMode.INLINE) {
            computeHere(learner, request);
            return;
        }
        ledger.asked(RefreshId.of(request), now());
        metrics.outstandingRefreshes(ledger.size());
        armDeadline();
        emit(TrainOperatorFactory.REFRESHES, request);
    }

    private void computeHere(Learner learner, RefreshRequest request) {
        RefreshAnswer answer = worker.compute(request);
        if (!learner.answer(answer)) {
            throw new IllegalStateException(
                    "Model '" + learner.model() + "' refuses its own answer to " + RefreshId.of(request));
        }
        accepted(answer);
    }

    private void accepted(RefreshAnswer answer) {
        if (!answer.succeeded()) {
            counters.refreshesSkipped.add(1);
        }
    }

    /** A mail: an answer has come through the channel. */
    private void onAnswer(RefreshAnswer answer) throws Exception {
        RefreshId id = RefreshId.of(answer);
        OptionalLong askedAt = ledger.answered(id);
        if (askedAt.isEmpty()) {
            counters.refreshesDiscarded.add(1);
            return;
        }
        metrics.outstandingRefreshes(ledger.size());
        withKey(id.model(), () -> {
            ResidentLearner learner = enter(id.model());
            if (learner.learner().answer(answer)) {
                accepted(answer);
                metrics.refreshed(now() - askedAt.getAsLong());
            } else { // computed under other numerics: no better answer will come
                counters.refreshesDiscarded.add(1);
                computeLate(learner.learner(), id);
            }
            proceed(learner);
            store.changed(learner);
        });
    }

    /** A mail: the eldest request may be overdue. One per mail, so that examples and checkpoints get their turn. */
    private void onDeadline() throws Exception {
        deadlineArmed = false;
        OptionalLong eldest = ledger.eldestAskedAt();
        if (eldest.isPresent() && now() - eldest.getAsLong() >= settings.refreshDeadlineMillis()) {
            RefreshId id = ledger.eldest().orElseThrow();
            ledger.answered(id);
            metrics.outstandingRefreshes(ledger.size());
            withKey(id.model(), () -> {
                ResidentLearner learner = enter(id.model());
                computeLate(learner.learner(), id);
                proceed(learner);
                store.changed(learner);
            });
        }
        armDeadline();
    }

    private void computeLate(Learner learner, RefreshId id) {
        for (RefreshRequest request : List.copyOf(learner.outstanding())) {
            if (RefreshId.of(request).equals(id)) {
                counters.refreshesLate.add(1);
                computeHere(learner, request);
            }
        }
    }

    private void armDeadline() {
        OptionalLong eldest = ledger.eldestAskedAt();
        if (!deadlineArmed && eldest.isPresent()) {
            deadlineArmed = true;
            getProcessingTimeService()
                    .registerTimer(
                            eldest.getAsLong() + settings.refreshDeadlineMillis(),
                            time -> post(this::onDeadline, "refresh deadline"));
        }
    }

    /** Takes the steps that an answer has made possible, then the examples that waited. */
    private void proceed(ResidentLearner learner) throws Exception {
        Events events = new Events(learner);
        boolean free = learner.learner().advance(events);
        while (free && learner.hasParked()) {
            free = learner.learner().offer(learner.firstParked(), events);
            if (free) {
                store.unpark(learner);
            }
        }
        if (inputEnded) {
            finish(learner);
        }
    }

    private void finish(ResidentLearner learner) {
        String model = learner.learner().model();
        if (unfinished.contains(model)
                && !learner.hasParked()
                && learner.learner().finish(new Events(learner))) {
            unfinished.remove(model);
            publish(learner.learner());
        }
    }

    private void standStill(String model) throws Exception {
        if (store.parkedBytes() <= settings.parkedBytes()) {
            return;
        }
        metrics.stoodStill();
        while (store.parkedBytes() > settings.parkedBytes()) {
            mailbox.yield();
        }
        setCurrentKey(model);
    }

    private void publish(Learner learner) {
        learner.publish().ifPresent(version -> emit(TrainOperatorFactory.MODELS, version));
    }

    private <T> void emit(OutputTag<T> tag, T value) {
        output.collect(tag, new StreamRecord<>(value));
    }

    private void withKey(String model, ThrowingRunnable<Exception> work) throws Exception {
        Object previous = getCurrentKey();
        setCurrentKey(model);
        try {
            work.run();
        } finally {
            if (previous != null) {
                setCurrentKey(previous);
            }
        }
    }

    private void post(ThrowingRunnable<Exception> work, String description) {
        try {
            mailbox.execute(work, description);
        } catch (RejectedExecutionException e) {
            LOG.debug("The task is closing, so its mail is not delivered: {}", description);
        }
    }

    private long now() {
        return getProcessingTimeService().getCurrentProcessingTime();
    }

    /** Emits and counts what a learner tells. */
    private final class Events implements Learner.Listener {
        private final Learner learner;

        Events(ResidentLearner learner) {
            this.learner = learner.learner();
        }

        @Override
        public void stepped(StepReport report) {
            counters.steps.add(1);
            metrics.stepped(report.loss());
            for (Score score : report.scores()) {
                output.collect(new StreamRecord<>(new ModelScore(learner.model(), score)));
            }
            if (report.step() % settings.publishEvery() == 0) {
                publish(learner);
            }
        }

        @Override
        public void requested(RefreshRequest request) {
            if (settings.refresh() == RefreshMode.INLINE) {
                counters.refreshesInline.add(1);
            } else {
                counters.refreshesRemote.add(1);
            }
            ask(learner, request);
        }

        @Override
        public void rejected(RejectedBatch batch) {
            counters.rejectedBatches.add(1);
            String sentence = "A mini-batch of " + batch.examples() + " examples, offsets " + batch.firstOffset()
                    + " to " + batch.lastOffset() + ", changed nothing: " + batch.reason();
            emit(
                    TrainOperatorFactory.DEAD_LETTERS,
                    new DeadLetter(
                            settings.examplesTopic(),
                            batch.partition(),
                            batch.firstOffset(),
                            0,
                            "non-finite",
                            sentence,
                            learner.model().getBytes(StandardCharsets.UTF_8),
                            null));
        }
    }
}
