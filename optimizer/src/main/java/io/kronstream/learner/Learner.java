// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.linalg.Arena;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The product in small: a model that learns from a stream of examples. All that it remembers is in its {@link #arena()}
 * and its {@link #header()}. Examples are taken in order; a mini-batch closes by count or by the examples' own time;
 * refreshes that were asked for are installed just before the step that they are due at, and until their answer is
 * there, the learner waits.
 *
 * <p>When a mini-batch closes, it is first predicted with the present parameters; then every closed mini-batch whose
 * labels are all known is learned, in order, one step each. Labels that come with their example are therefore learned at
 * once, from the same forward pass that predicted them; a forecast is learned at the first close after its last label
 * arrived, so that no prediction is made by parameters that have seen labels from after its origin.
 *
 * <p>A refresh asked for after step r is installed just before step r + lag + 1. If the next one falls due before, it is
 * asked for right after that installation, from the same factors.
 *
 * <p>Not thread-safe; learners of one factory share scratch memory.
 */
public final class Learner implements AutoCloseable {

    /** Told, synchronously and in order, what followed from an example or an answer. */
    public interface Listener {
        /** A step was taken. The learner is exactly as it is after this step: this is the moment to publish. */
        void stepped(StepReport report);

        /** A refresh is wanted. {@link Learner#answer} may be called at once or later, from the same thread. */
        void requested(RefreshRequest request);

        /** A mini-batch was refused and changed nothing. */
        void rejected(RejectedBatch batch);

        /** A refresh was due and not needed: the old basis still fits. */
        default void skipped() {}

        /**
         * A refresh is over, just before a step.
         *
         * @param steps how many steps ago it was asked for
         * @param succeeded whether its result was installed; else the old one stays
         */
        default void refreshed(long steps, boolean succeeded) {}

        /** A mini-batch was predicted, and not learned since the model is paused. */
        default void scored(List<Score> scores) {}

        /** A command asks for a version: this is the moment to publish. */
        default void publicationAsked() {}

        /** A command has retired the model: what is published of it is to be withdrawn. */
        default void retired() {}

        /** A command was refused, at its place or at its step. */
        default void refused(RefusedCommand refusal) {}
    }

    /** Heap bytes of a learner, and of an instance beside what they count themselves: measured, rounded up. */
    private static final int LEARNER_BYTES = 1024;

    private static final long INSTANCE_BYTES = 128;
    /** The published step of a model of which nothing is published any more. */
    private static final long NEVER = -1;

    /** Of the options as commands have left them, as are {@link #settings}. */
    private LearnerFactory shared;

    private boolean closed;

    private LearnerSettings settings;
    private final String model;
    private final Arena arena;
    private final ModelNetwork network;
    private final Refreshes refreshes;
    private final Features features;
    private final MiniBatches batches = new MiniBatches();
    private final Helm helm = new Helm();
    private final TakenOffsets taken = new TakenOffsets();
    /** Null in {@link Mode#ORDERED}. */
    private final Journal journal;

    private long step;
    private long learned;
    private long version;
    private long publishedStep;
    private boolean finished;
    private String publishedDigest = "";

    Learner(LearnerFactory shared, String model) {
        this.shared = shared;
        this.settings = shared.settings();
        this.model = model;
        this.arena = shared.newArena();
        this.network = new ModelNetwork(shared, model, arena);
        this.refreshes = new Refreshes(shared, model, arena, network.layers());
        this.features = new Features(settings.schema());
        this.journal = settings.mode() == Mode.ARRIVAL ? new Journal() : null;
    }

    /** The parameters as a model starts; they depend on the seed and the model's id alone. */
    void initialise() {
        network.initialise();
    }

    /**
     * Takes an example, or a command, if no closed mini-batch waits for a refresh.
     *
     * @return false if it was not taken: offer it again after {@link #advance} has returned true
     */
    public boolean offer(Example example, Listener listener) {
        if (waiting()) {
            return false;
        }
        if (example.command() != null) {
            command(example, listener);
            return true;
        }
        if (helm.retired) {
            took(example);
            return true;
        }
        if (closesBefore(example) && !closeOpen(listener)) {
            return false;
        }
        Instance instance = features.add(example);
        took(example);
        finished = false;
        if (instance != null) {
            batches.open().instances.add(instance);
            if (batches.openSize() == settings.batch()) {
                closeBatch();
                advance(listener);
            }
        }
        return true;
    }

    private void took(Example example) {
        taken.add(example.partition(), example.offset());
        if (journal != null) {
            journal.took(example.partition(), example.offset());
        }
    }

    /** A command has its place in the order of the examples. */
    private void command(Example record, Listener listener) {
        Command command = record.command();
        Helm.Received received = new Helm.Received(command, record.partition(), record.offset());
        if (!hasTaken()) {
            refuse(received, "model '" + model + "' has not seen an example yet", listener);
            return;
        }
        took(record);
        if (!helm.isNew(command.id())) {
            return;
        }
        if (command.atStep() == 0) {
            carryOut(received, listener);
        } else if (command.atStep() <= step) {
            refuse(received, "model '" + model + "' has taken " + step + " steps already", listener);
        } else if (helm.isFull()) {
            refuse(received, "as many as " + Helm.MAX_WAITING + " commands wait for their step", listener);
        } else {
            helm.await(received);
        }
    }

    /** Carries out the commands that were given for the next step. */
    private void carryOutDue(Listener listener) {
        for (Helm.Received due = helm.takeDue(step + 1); due != null; due = helm.takeDue(step + 1)) {
            carryOut(due, listener);
        }
    }

    private void carryOut(Helm.Received received, Listener listener) {
        Command command = received.command();
        if (command.kind() == Command.Kind.SET) {
            try {
                use(helm.with(command.name(), command.value()));
            } catch (IllegalArgumentException e) {
                refuse(received, e.getMessage(), listener);
                return;
            }
        }
        helm.carriedOut(received, step + 1);
        switch (command.kind()) {
            case PUBLISH -> listener.publicationAsked();
            case RETIRE -> {
                publishedStep = NEVER;
                listener.retired();
            }
            case RESUME -> advance(listener);
            case PAUSE, SET -> {} // nobody is told
        }
    }

    /** Goes on with these values in place of the job's. */
    private void use(SortedMap<String, String> values) {
        LearnerFactory before = shared;
        shared = shared.with(values);
        settings = shared.settings();
        network.use(shared);
        refreshes.use(shared);
        helm.use(values);
        before.release();
    }

    private static void refuse(Helm.Received received, String reason, Listener listener) {
        listener.refused(new RefusedCommand(received.command(), received.partition(), received.offset(), reason));
    }

    /**
     * Closes the open mini-batch although it is not full. What is said of {@link #offer} holds: nothing happens while a
     * closed mini-batch waits for a refresh.
     *
     * @return whether nothing waits any more
     */
    public boolean closeOpen(Listener listener) {
        if (helm.retired) {
            return true;
        }
        if (waiting()) {
            return false;
        }
        if (batches.openSize() > 0) {
            if (journal != null) {
                journal.closed();
            }
            closeBatch();
        }
        return advance(listener);
    }

    private boolean closesBefore(Example example) {
        return settings.batchInterval() > 0
                && batches.openSize() > 0
                && example.timestamp() - batches.open().instances.get(0).timestamp >= settings.batchInterval();
    }

    private void closeBatch() {
        predictUnsettled();
        batches.close();
    }

    private void predictUnsettled() {
        if (!batches.open().settled()) {
            network.predict(batches.open(), step);
        }
    }

    /** Takes the steps that are possible now; true if nothing waits any more. */
    public boolean advance(Listener listener) {
        while (waiting()) {
            MiniBatch batch = batches.next();
            batch.dropUnlabelled();
            if (batch.instances.isEmpty()) {
                batches.removeNext(); // it makes no step, before which something would be due
                continue;
            }
            if (!helm.paused) {
                carryOutDue(listener);
            }
            if (helm.retired) {
                return true;
            }
            if (!helm.paused && !refreshes.installDue(step, listener)) {
                return false;
            }
            batches.removeNext();
            if (helm.paused) {
                network.predict(batch, step);
                listener.scored(scores(batch));
            } else {
                learn(batch, listener);
            }
        }
        return true;
    }

    /**
     * The stream has ended: closes the open mini-batch and learns what is left. Idempotent.
     *
     * @return false if it waits for a refresh: call again after the answer
     */
    public boolean finish(Listener listener) {
        if (helm.retired) {
            return true;
        }
        if (!batches.isReady()) {
            if (journal != null && !finished) {
                journal.finished();
            }
            finished = true;
            predictUnsettled();
            features.end();
            batches.close();
        }
        return advance(listener);
    }

    private void learn(MiniBatch batch, Listener listener) {
        OptionalDouble loss = network.learn(batch, step);
        if (loss.isEmpty()) {
            listener.rejected(rejection(batch));
            return;
        }
        step++;
        learned += batch.instances.size();
        List<RefreshSlot> asked = refreshes.ask(step, listener);
        listener.stepped(new StepReport(step, loss.getAsDouble(), scores(batch)));
        for (RefreshSlot slot : asked) {
            listener.requested(refreshes.request(slot));
        }
    }

    private RejectedBatch rejection(MiniBatch batch) {
        Instance first = batch.instances.get(0);
        Instance last = batch.instances.get(batch.instances.size() - 1);
        return new RejectedBatch(
                first.partition,
                first.offset,
                last.offset,
                batch.instances.size(),
                "The gradient of the mini-batch at step " + (step + 1) + " of model " + model
                        + " is not finite, or so large that its square is not; the model stays as it was");
    }

    private List<Score> scores(MiniBatch batch) {
        List<Score> scores = new ArrayList<>(batch.instances.size());
        for (Instance instance : batch.instances) {
            double prediction = shared.objective().prediction(instance, instance.output);
            scores.add(new Score(
                    instance.partition,
                    instance.offset,
                    instance.row,
                    instance.timestamp,
                    instance.outputStep,
                    prediction,
                    instance.label,
                    instance.noChange,
                    instance.prior,
                    instance.weight,
                    instance.answer < 0
                            ? null
                            : new Score.Answers(instance.answer, instance.noChangeAnswer, instance.priorAnswer)));
        }
        return scores;
    }

    /** Hands in an answer; false if it is a duplicate, was not asked for, or was computed under other numerics. */
    public boolean answer(RefreshAnswer answer) {
        return refreshes.answer(answer);
    }

    /** Refreshes asked for and not answered yet, oldest first, with the factors they were asked for. */
    public List<RefreshRequest> outstanding() {
        return refreshes.outstanding();
    }

    /** Whether {@link #outstanding()} has any, without putting the requests together. */
    public boolean hasOutstanding() {
        return refreshes.hasOutstanding();
    }

    /** Whether a closed mini-batch waits for an answer. */
    public boolean waiting() {
        return batches.isReady() && !helm.retired;
    }

    /** How commands have left it. */
    public ControlState control() {
        return helm.state();
    }

    /**
     * Whether the order of this model's examples rests on another partition than this one: it took examples before, and
     * none of them came from here.
     */
    public boolean learnsElsewhere(int partition) {
        return hasTaken() && !taken.contains(partition);
    }

    /** The next version, or empty if no step was taken since the last one, or if the model is retired. */
    public Optional<PublishedModel> publish() {
        if (step == publishedStep || helm.retired) {
            return Optional.empty();
        }
        version++;
        publishedStep = step;
        String digest = digest();
        JournalSegment segment = null;
        if (journal != null) {
            segment = new JournalSegment(publishedDigest, journal.take());
            publishedDigest = digest;
        }
        return Optional.of(new PublishedModel(
                model,
                version,
                step,
                learned,
                Collections.unmodifiableSortedMap(new TreeMap<>(taken.first())),
                Collections.unmodifiableSortedMap(new TreeMap<>(taken.last())),
                finished,
                settings.mode().text(),
                shared.configuration(),
                shared.fingerprint(),
                digest,
                PublishedPayload.of(shared, features, network.published()),
                segment,
                helm.state()));
    }

    /** Parameters and optimizer tensors. */
    public Arena arena() {
        return arena;
    }

    public String model() {
        return model;
    }

    /** Steps taken. */
    public long step() {
        return step;
    }

    /** Refreshes whose decomposition failed, so that the old basis stayed. */
    public long failedRefreshes() {
        return refreshes.failed();
    }

    /** Refreshes that were not done because the old basis still fitted. */
    public long skippedRefreshes() {
        return refreshes.skipped();
    }

    /** For each partition the offset of the last example that was taken. */
    public SortedMap<Integer, Long> trainedThrough() {
        return Collections.unmodifiableSortedMap(taken.last());
    }

    /** Whether it has taken any example. */
    public boolean hasTaken() {
        return !taken.isEmpty();
    }

    /** How many examples the open mini-batch has. */
    public int openExamples() {
        return batches.openSize();
    }

    /** SHA-256 (hex) over all parameters and optimizer state. */
    public String digest() {
        return arena.digest();
    }

    /** Bytes it holds outside of the heap: its tensors. */
    public long nativeBytes() {
        return arena.nativeBytes();
    }

    /** Bytes it holds on the heap, what it shares with the learners of its factory aside: an upper estimate. */
    public long heapBytes() {
        return LEARNER_BYTES
                + refreshes.heapBytes()
                + arena.heapBytes()
                + features.bytes()
                + batches.instances() * (INSTANCE_BYTES + Float.BYTES * (long) features.width())
                + helm.bytes()
                + (journal == null ? 0 : journal.bytes());
    }

    /** Everything that is not in the arena, layout byte first. Answers that came early are not part of it. */
    public byte[] header() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            new LearnerSummary(
                            shared.configuration(),
                            step,
                            learned,
                            version,
                            publishedStep,
                            refreshes.failed(),
                            refreshes.skipped(),
                            finished,
                            taken.first(),
                            taken.last())
                    .write(out);
            byte[] ofOptimizer = optimizerHeader();
            out.writeInt(ofOptimizer.length);
            out.write(ofOptimizer);
            features.write(out);
            batches.write(out, features.awaiting());
            writeJournal(out);
            helm.write(out);
        } catch (IOException e) {
            throw new UncheckedIOException("Writing to memory failed", e);
        }
        return bytes.toByteArray();
    }

    /** The part of the header that is the optimizer's, with its length before it, so that it can be passed over. */
    private byte[] optimizerHeader() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        for (String counter : arena.counters()) {
            out.writeLong(arena.counter(counter));
        }
        refreshes.write(out);
        return bytes.toByteArray();
    }

    private void readOptimizerHeader(DataInputStream in) throws IOException {
        for (String counter : arena.counters()) {
            arena.setCounter(counter, in.readLong());
        }
        refreshes.read(in);
    }

    /** Puts the optimizer's counters of a stored learner into a copy of its arena, which then has its digest. */
    public static void readCounters(byte[] header, Arena arena) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(header))) {
            LearnerSummary.read(in);
            in.readInt(); // length of what follows
            for (String counter : arena.counters()) {
                arena.setCounter(counter, in.readLong());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("The header of a learner cannot be read", e);
        }
    }

    private void writeJournal(DataOutput out) throws IOException {
        out.writeBoolean(journal != null);
        if (journal != null) {
            out.writeUTF(publishedDigest);
            journal.write(out);
        }
    }

    /** One that was written in another mode begins or ends here. */
    private void readJournal(DataInputStream in) throws IOException {
        if (in.readBoolean()) {
            String digest = in.readUTF();
            Journal stored = journal == null ? new Journal() : journal;
            stored.read(in);
            publishedDigest = journal == null ? "" : digest;
        }
    }

    void read(byte[] header) {
        read(header, shared.configuration(), true);
    }

    /** Takes everything but what the optimizer remembers from a header of another configuration. */
    void readWithoutOptimizer(byte[] header, String configuration) {
        read(header, configuration, false);
    }

    private void read(byte[] header, String configuration, boolean withOptimizer) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(header))) {
            LearnerSummary written = LearnerSummary.read(in);
            if (!written.configuration().equals(configuration)) {
                throw new IllegalArgumentException("The state of model " + model + " was written under configuration "
                        + written.configuration() + ", not under " + configuration);
            }
            step = written.step();
            learned = written.examples();
            version = written.version();
            publishedStep = written.publishedStep();
            refreshes.restore(written.failedRefreshes(), written.skippedRefreshes());
            finished = written.finished();
            taken.restore(written.trainedFrom(), written.trainedThrough());
            int lengthOfOptimizer = Bounds.count(in.readInt(), "bytes of an optimizer");
            if (withOptimizer) {
                readOptimizerHeader(in);
            } else {
                in.skipNBytes(lengthOfOptimizer);
            }
            features.read(in);
            batches.read(in, settings).forEach(features::await);
            readJournal(in);
            if (header[0] >= LearnerSummary.LAYOUT_WITH_HELM) {
                helm.read(in);
                use(withOptimizer ? new TreeMap<>(helm.values) : new TreeMap<>());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("The state of model " + model + " cannot be read", e);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            arena.close();
            shared.release();
        }
    }
}
