// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.Mode;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefusedCommand;
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
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
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
import org.apache.flink.util.function.ThrowingConsumer;
import org.apache.flink.util.function.ThrowingRunnable;

/**
 * See {@link TrainOperatorFactory}.
 *
 * <p>Everything happens in the task's own thread: examples in {@link #processElement}, answers, deadlines and what the
 * clock triggers in mails. The threads that bring answers and the timers do nothing but post mails. The current key is the
 * business of the {@link LearnerStore}: to set it for every record would cost more than to find the learner in memory.
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
    private transient RefreshDesk refreshes;
    private transient ArrivalClock clock;
    private transient AutoCloseable reader;

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
        store = new LearnerStore(keys, getKeyedStateStore(), factory, layouts, settings.cacheBytes());
        metrics = new TrainMetrics(getMetricGroup(), store, counters);
        refreshes = new RefreshDesk(
                settings,
                counters,
                metrics,
                getProcessingTimeService(),
                request -> emit(TrainOperatorFactory.REFRESHES, request),
                () -> post(this::onDeadline, "refresh deadline"));
        clock = new ArrivalClock(
                settings.clock(),
                getProcessingTimeService(),
                () -> post(this::onBatchesDue, "mini-batches that have waited"),
                () -> post(this::onPublicationDue, "publication"));
        if (!settings.clock().equals(TrainSettings.Clock.NONE)) {
            clock.restored(store.models());
        }
        if (settings.refresh() != RefreshMode.INLINE) {
            TaskInfo task = getRuntimeContext().getTaskInfo();
            reader = channel.read(
                    task.getIndexOfThisSubtask(),
                    task.getNumberOfParallelSubtasks(),
                    task.getMaxNumberOfParallelSubtasks(),
                    answer -> post(() -> onAnswer(answer), "refresh answer"));
        }
        // The reader's position is fixed by now, so what is asked again from here on will be heard.
        for (String model : store.pendingModels()) {
            post(() -> withLearner(model, learner -> {}), "restored model");
        }
    }

    @Override
    public void processElement(StreamRecord<Example> record) throws Exception {
        Example example = record.getValue();
        (example.command() == null ? counters.examples : counters.commands).add(1);
        ResidentLearner learner = enter(example.model());
        if (isFromSecondPartition(learner.learner(), example)) {
            refuse(example, learner.learner());
            return;
        }
        if (learner.hasParked() || !offer(learner, example)) {
            store.park(learner, example);
            counters.parked.add(1);
        }
        if (!learner.learner().hasTaken()) { // a command, and no such model
            store.drop(learner);
            return;
        }
        store.changed(learner);
        standStill();
    }

    /** See the class: the key is not set for each record. */
    @Override
    public boolean hasKeyContext1() {
        return false;
    }

    /** Nothing waits for an answer any more: what is missing is computed here, to the same numbers. */
    @Override
    public void endInput() throws Exception {
        refreshes.drain();
        for (String model : store.models()) {
            ResidentLearner learner = enter(model);
            refreshes.drain(learner.learner());
            proceed(learner);
            learner.learner().finish(new Events(learner));
            publish(learner.learner());
            store.changed(learner);
        }
        counters.countCache(store);
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        store.flush();
        counters.countCache(store);
        counters.snapshot();
        if (getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() == 0) {
            layouts.snapshot();
        }
        super.snapshotState(context);
    }

    @Override
    public void close() throws Exception {
        IOUtils.closeAll(reader, store, factory, refreshes, super::close);
    }

    /** The subtask's learners, for its tests. */
    LearnerStore store() {
        return store;
    }

    /** A learner, in memory. One that comes from the state asks again for what it misses. */
    private ResidentLearner enter(String model) throws Exception {
        ResidentLearner resident = store.resident(model);
        if (resident != null) {
            return resident;
        }
        ResidentLearner loaded = store.load(model);
        if (refreshes.askAgain(loaded.learner())
                || loaded.learner().waiting()) { // with weights only it may wait for nothing
            proceed(loaded);
        }
        return loaded;
    }

    private boolean offer(ResidentLearner learner, Example example) {
        boolean taken = learner.learner().offer(example, new Events(learner));
        if (taken && example.command() == null) {
            clock.took(learner.learner());
        }
        return taken;
    }

    private boolean isFromSecondPartition(Learner learner, Example example) {
        return settings.learner().mode() == Mode.ORDERED
                && !settings.origins().inTurn()
                && learner.learnsElsewhere(example.partition());
    }

    private void refuse(Example example, Learner learner) {
        counters.refused.add(1);
        deadLetter(
                example.partition(),
                example.offset(),
                example.timestamp(),
                "partition",
                "Model '" + example.model() + "' learns from partition "
                        + settings.origins().partition(learner.trainedThrough().firstKey()) + " of "
                        + settings.origins().name(learner.trainedThrough().firstKey())
                        + ", and in ordered mode from no other: give its records one key, or set 'mode: arrival'",
                example.model());
    }

    /** A mail: an answer has come through the channel. */
    private void onAnswer(RefreshAnswer answer) throws Exception {
        OptionalLong askedAt = refreshes.expected(answer);
        if (askedAt.isPresent() && !store.isResident(answer.model())) {
            counters.refreshesDiscarded.add(1); // it has left the cache, and asks again if it comes back
        } else if (askedAt.isPresent()) {
            withLearner(answer.model(), learner -> {
                refreshes.answer(learner.learner(), answer, askedAt.getAsLong());
                proceed(learner);
            });
        }
    }

    /** A mail: the eldest request may be overdue. One per mail, so that examples and checkpoints get their turn. */
    private void onDeadline() throws Exception {
        Optional<RefreshId> overdue = refreshes.takeOverdue();
        if (overdue.isPresent() && store.isResident(overdue.get().model())) {
            withLearner(overdue.get().model(), learner -> {
                refreshes.computeLate(learner.learner(), overdue.get());
                proceed(learner);
            });
        }
    }

    /** A mail: open mini-batches may have waited long enough. */
    private void onBatchesDue() throws Exception {
        for (String model : clock.takeDue()) {
            withLearner(model, learner -> learner.learner().closeOpen(new Events(learner)));
        }
    }

    /** A mail: it is time to publish. */
    private void onPublicationDue() throws Exception {
        for (String model : clock.takeStepped()) {
            withLearner(model, learner -> publish(learner.learner()));
        }
    }

    /** Takes the steps that an answer has made possible, then the examples that waited. */
    private void proceed(ResidentLearner learner) {
        boolean free = learner.learner().advance(new Events(learner));
        while (free && learner.hasParked()) {
            free = offer(learner, learner.firstParked());
            if (free) {
                store.unpark(learner);
            }
        }
    }

    private void standStill() throws Exception {
        if (store.parkedBytes() <= settings.parkedBytes()) {
            return;
        }
        metrics.stoodStill();
        while (store.parkedBytes() > settings.parkedBytes()) {
            mailbox.yield();
        }
    }

    private void publish(Learner learner) {
        learner.publish().ifPresent(version -> emit(TrainOperatorFactory.MODELS, version));
    }

    private <T> void emit(OutputTag<T> tag, T value) {
        output.collect(tag, new StreamRecord<>(value));
    }

    /** What a mail does. */
    private void withLearner(String model, ThrowingConsumer<ResidentLearner, Exception> work) throws Exception {
        ResidentLearner learner = enter(model);
        work.accept(learner);
        store.changed(learner);
    }

    private void post(ThrowingRunnable<Exception> work, String description) {
        try {
            mailbox.execute(work, description);
        } catch (RejectedExecutionException e) {
            LOG.debug("The task is closing, so its mail is not delivered: {}", description);
        }
    }

    private void deadLetter(int partition, long offset, long timestamp, String reason, String sentence, String model) {
        emit(
                TrainOperatorFactory.DEAD_LETTERS,
                new DeadLetter(
                        settings.origins().name(partition),
                        settings.origins().partition(partition),
                        offset,
                        timestamp,
                        reason,
                        sentence,
                        model.getBytes(StandardCharsets.UTF_8),
                        null));
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
            clock.stepped(learner);
            scored(report.scores());
            if (report.step() % settings.publishEvery() == 0) {
                publish(learner);
            }
        }

        @Override
        public void scored(List<Score> scores) {
            for (Score score : scores) {
                output.collect(new StreamRecord<>(new ModelScore(learner.model(), score)));
            }
        }

        @Override
        public void publicationAsked() {
            publish(learner);
        }

        @Override
        public void retired() {
            emit(TrainOperatorFactory.MODELS, PublishedModel.withdrawal(learner.model()));
        }

        @Override
        public void refused(RefusedCommand refusal) {
            counters.refusedCommands.add(1);
            deadLetter(
                    refusal.partition(),
                    refusal.offset(),
                    0,
                    "control",
                    "The command " + refusal.command() + " changed nothing: " + refusal.reason(),
                    learner.model());
        }

        @Override
        public void requested(RefreshRequest request) {
            refreshes.requested(learner, request);
        }

        @Override
        public void refreshed(long steps, boolean succeeded) {
            if (succeeded) {
                counters.refreshesApplied.add(1);
                metrics.installed(steps);
            } else {
                counters.refreshesFailed.add(1);
            }
        }

        @Override
        public void skipped() {
            counters.refreshesSkipped.add(1);
        }

        @Override
        public void rejected(RejectedBatch batch) {
            counters.rejectedBatches.add(1);
            deadLetter(
                    batch.partition(),
                    batch.firstOffset(),
                    0,
                    "non-finite",
                    "A mini-batch of " + batch.examples() + " examples, offsets " + batch.firstOffset() + " to "
                            + batch.lastOffset() + ", changed nothing: " + batch.reason(),
                    learner.model());
        }
    }
}
