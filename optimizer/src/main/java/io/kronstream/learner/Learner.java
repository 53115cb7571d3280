// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.network.Architecture;
import io.kronstream.network.Embedding;
import io.kronstream.network.LayerGradient;
import io.kronstream.network.LayerShape;
import io.kronstream.network.Network;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.LayerState;
import io.kronstream.optimizers.Optimizer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
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
    }

    /** Of {@link PublishedModel#payload()}; {@link ServedModel} reads it. */
    static final int PAYLOAD_LAYOUT = 2;

    private static final int LAYOUT = 1;
    /** Heap bytes of a learner, a slot, and an instance beside what they count themselves: measured, rounded up. */
    private static final int LEARNER_BYTES = 1024;

    private static final long SLOT_BYTES = 96;
    private static final long INSTANCE_BYTES = 128;
    private static final int LARGEST_MAP = 1 << 20;

    private final LearnerFactory shared;
    private final LearnerSettings settings;
    private final String model;
    private final Arena arena;
    /** Of the dense layers, and then of the others. */
    private final List<Matrix> parameters = new ArrayList<>();

    /** Of the dense layers, which the optimizer learns. */
    private final List<Matrix> matrices;

    private final List<LayerState> layers = new ArrayList<>();
    private final List<RefreshSlot> slots = new ArrayList<>();
    private final Features features;

    private MiniBatch open = new MiniBatch();
    /** Closed mini-batches, oldest first; the first {@link #ready} of them can be learned. */
    private final Deque<MiniBatch> closed = new ArrayDeque<>();

    private int ready;
    private final SortedMap<Integer, Long> trainedThrough = new TreeMap<>();
    private long step;
    private long learned;
    private long version;
    private long publishedStep;
    private long failedRefreshes;
    private long skippedRefreshes;
    private boolean finished;
    /** Null in {@link Mode#ORDERED}. */
    private final Journal journal;

    private String publishedDigest = "";

    Learner(LearnerFactory shared, String model) {
        this.shared = shared;
        this.settings = shared.settings();
        this.model = model;
        this.arena = shared.newArena();
        this.features = new Features(settings.schema());
        this.journal = settings.mode() == Mode.ARRIVAL ? new Journal() : null;
        List<LayerShape> shapes = shared.network().shapes();
        for (int layer = 0; layer < shapes.size(); layer++) {
            parameters.add(arena.tensor(weightsTensor(layer)));
            layers.add(new LayerState(arena, layerPrefix(layer)));
            LayerShape shape = shapes.get(layer);
            for (int side : shared.optimizer().sides(shape.rows(), shape.columns())) {
                slots.add(new RefreshSlot(
                        layer, side, shared.optimizer().sideLength(shape.rows(), shape.columns(), side)));
            }
        }
        this.matrices = List.copyOf(parameters);
        parameters.addAll(shared.sideLayers().parameters(arena));
    }

    static String layerPrefix(int layer) {
        return "layer" + layer + ".";
    }

    static String weightsTensor(int layer) {
        return layerPrefix(layer) + "weights";
    }

    /** Of dense layers weights and biases uniform in +-1/sqrt(inputs of the layer), as PyTorch's dense layers start. */
    void initialise() {
        for (int layer = 0; layer < matrices.size(); layer++) {
            Matrix weights = matrices.get(layer);
            SplitMix64 random = new SplitMix64(settings.seed(), model + "/" + layerPrefix(layer));
            double bound = 1 / Math.sqrt(Math.max(1, weights.columns() - 1));
            float[] row = new float[weights.columns()];
            for (int i = 0; i < weights.rows(); i++) {
                for (int j = 0; j < row.length; j++) {
                    row[j] = (float) ((2 * random.nextDouble() - 1) * bound);
                }
                weights.write(i * row.length, row, 0, row.length);
            }
            arena.markDirty(weightsTensor(layer));
        }
        shared.sideLayers().initialise(arena, settings.seed(), model);
    }

    /**
     * Takes an example, if no closed mini-batch waits for a refresh.
     *
     * @return false if it was not taken: offer it again after {@link #advance} has returned true
     */
    public boolean offer(Example example, Listener listener) {
        if (ready > 0) {
            return false;
        }
        if (closesBefore(example) && !closeOpen(listener)) {
            return false;
        }
        Instance instance = features.add(example);
        trainedThrough.merge(example.partition(), example.offset(), Math::max);
        if (journal != null) {
            journal.took(example.partition(), example.offset());
        }
        finished = false;
        if (instance != null) {
            open.instances.add(instance);
            if (open.instances.size() == settings.batch()) {
                close(settings.batch());
                advance(listener);
            }
        }
        return true;
    }

    /**
     * Closes the open mini-batch although it is not full. What is said of {@link #offer} holds: nothing happens while a
     * closed mini-batch waits for a refresh.
     *
     * @return whether nothing waits any more
     */
    public boolean closeOpen(Listener listener) {
        if (ready > 0) {
            return false;
        }
        if (!open.instances.isEmpty()) {
            if (journal != null) {
                journal.closed();
            }
            close(open.instances.size());
        }
        return advance(listener);
    }

    private boolean closesBefore(Example example) {
        return settings.batchInterval() > 0
                && !open.instances.isEmpty()
                && example.timestamp() - open.instances.get(0).timestamp >= settings.batchInterval();
    }

    private void close(int size) {
        if (size > 0) {
            if (!open.settled()) {
                predict(open);
            }
            closed.add(open);
            open = new MiniBatch();
        }
        for (MiniBatch batch : closed) {
            if (!batch.settled()) {
                break;
            }
            ready++;
        }
    }

    /** Takes the steps that are possible now; true if nothing waits any more. */
    public boolean advance(Listener listener) {
        while (ready > 0) {
            MiniBatch batch = closed.peek();
            batch.dropUnlabelled();
            // a refresh is installed before a step, not before a mini-batch that makes none
            boolean learnable = !batch.instances.isEmpty();
            if (learnable && !installDue(listener)) {
                return false;
            }
            closed.remove();
            ready--;
            if (learnable) {
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
        if (ready == 0) {
            if (journal != null && !finished) {
                journal.finished();
            }
            finished = true;
            boolean unsettled = !open.settled();
            if (unsettled) {
                predict(open);
            }
            features.end();
            close(open.instances.size());
        }
        return advance(listener);
    }

    private void predict(MiniBatch batch) {
        int rows = fill(batch);
        shared.network().forward(predicting(), rows);
        record(batch);
    }

    /** The parameters that predictions are made with. */
    private List<Matrix> predicting() {
        return shared.optimizer().predictsWithPublished() ? published() : parameters;
    }

    /** The parameters that whoever is served gets: matrices as the optimizer has them, norms and tables as they are. */
    private List<Matrix> published() {
        List<Matrix> published = new ArrayList<>();
        for (int layer = 0; layer < parameters.size(); layer++) {
            Matrix weights = parameters.get(layer);
            boolean matrix = layer < layers.size();
            published.add(matrix ? shared.optimizer().published(weights, layers.get(layer)) : weights);
        }
        return published;
    }

    private int fill(MiniBatch batch) {
        Network network = shared.network();
        int rows = batch.instances.size();
        for (int row = 0; row < rows; row++) {
            network.setInput(row, batch.instances.get(row).inputs);
            network.setIds(row, batch.instances.get(row).ids);
        }
        return rows;
    }

    private void record(MiniBatch batch) {
        for (int row = 0; row < batch.instances.size(); row++) {
            Instance instance = batch.instances.get(row);
            if (!instance.predicted()) {
                instance.output = shared.network().output(row, 0);
                instance.outputStep = step;
            }
        }
    }

    private void learn(MiniBatch batch, Listener listener) {
        Network network = shared.network();
        int rows = fill(batch);
        if (shared.optimizer().predictsWithPublished()) {
            network.forward(published(), rows);
            record(batch);
        }
        network.forward(parameters, rows);
        record(batch);
        double[] targets = shared.targets();
        for (int row = 0; row < rows; row++) {
            targets[row] = shared.objective().target(batch.instances.get(row));
        }
        double loss = network.backward(parameters, targets, rows);
        if (!finite(loss, network)) {
            listener.rejected(rejection(batch));
            return;
        }
        Optimizer optimizer = shared.optimizer();
        if (optimizer.wantsSamples(layers.get(0))) {
            network.backwardSampled(parameters, new SplitMix64(settings.seed(), model + "/samples/" + step), rows);
        }
        if (optimizer.wantsHessian()) {
            network.backwardHessian(parameters, new SplitMix64(settings.seed(), model + "/hessian/" + step), rows);
        }
        List<LayerGradient> gradients = new ArrayList<>();
        for (int layer = 0; layer < layers.size(); layer++) {
            gradients.add(network.gradient(layer));
            arena.markDirty(weightsTensor(layer));
        }
        optimizer.step(gradients, matrices, layers);
        if (optimizer.wantsLossAfter(layers.get(0))) {
            network.forward(parameters, rows);
            optimizer.judge(loss, network.loss(targets, rows), layers);
        }
        shared.sideLayers().step(arena);
        step++;
        learned += rows;
        List<RefreshSlot> asked = ask(listener);
        listener.stepped(new StepReport(step, loss, scores(batch)));
        for (RefreshSlot slot : asked) {
            listener.requested(request(slot));
        }
    }

    private boolean finite(double loss, Network network) {
        if (!Double.isFinite(loss)) {
            return false;
        }
        for (int layer = 0; layer < layers.size(); layer++) {
            LayerGradient gradient = network.gradient(layer);
            if (!gradient.isFinite()) {
                return false;
            }
        }
        return shared.sideLayers().isFinite();
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
                    instance.prior));
        }
        return scores;
    }

    /** Asks for the refreshes that are due after the step; returns those that are not deferred. */
    private List<RefreshSlot> ask(Listener listener) {
        for (int layer = 0; layer < layers.size(); layer++) {
            for (RefreshTask task : shared.optimizer().due(layers.get(layer))) {
                slot(layer, task.side()).dueAfter = step + turn(layer);
            }
        }
        List<RefreshSlot> asked = new ArrayList<>();
        for (RefreshSlot slot : slots) {
            if (slot.dueAfter != step) {
                continue;
            }
            slot.dueAfter = 0;
            if (slot.outstanding) {
                slot.deferred = true;
            } else if (ask(slot, task(slot), listener)) {
                asked.add(slot);
            }
        }
        return asked;
    }

    /** How many steps after the optimizer's due step it is a layer's turn. */
    private int turn(int layer) {
        return settings.refresh().stagger()
                ? (int) ((long) layer * settings.optimizer().get(Knobs.REFRESH_INTERVAL) / layers.size())
                : 0;
    }

    /** False if the old basis still fits. */
    private boolean ask(RefreshSlot slot, RefreshTask task, Listener listener) {
        double tolerance = settings.refresh().tolerance();
        if (tolerance > 0
                && task.basis() != null
                && shared.basisFit().residual(task.factor(), task.basis()) <= tolerance) {
            skippedRefreshes++;
            listener.skipped();
            return false;
        }
        slot.version++;
        slot.outstanding = true;
        slot.askedAfter = step;
        slot.method = task.method();
        slot.shift = task.shift();
        slot.exponent = task.exponent();
        if (settings.lag() > 0) {
            keep(task.factor(), slot.askedTensor());
            if (task.partner() != null) {
                keep(task.partner(), slot.askedPartnerTensor());
            }
        }
        return true;
    }

    /** Later steps change the factors; what was asked for must not change with them. */
    private void keep(Matrix factor, String tensor) {
        arena.tensor(tensor).copyFrom(factor);
        arena.markDirty(tensor);
    }

    private RefreshTask task(RefreshSlot slot) {
        return shared.optimizer().task(layers.get(slot.layer), slot.side);
    }

    private RefreshSlot slot(int layer, int side) {
        for (RefreshSlot slot : slots) {
            if (slot.layer == layer && slot.side == side) {
                return slot;
            }
        }
        throw new IllegalStateException(
                "The optimizer refreshes side " + side + " of layer " + layer + ", which it did not declare");
    }

    private RefreshRequest request(RefreshSlot slot) {
        RefreshTask task = task(slot);
        int n = slot.size;
        float[] basis = new float[slot.method.needsBasis() ? n * n : 0];
        if (basis.length > 0) {
            task.basis().read(0, basis, 0, basis.length);
        }
        float[] partner =
                slot.method.needsPartner() ? triangle(asked(slot.askedPartnerTensor(), task.partner())) : new float[0];
        return new RefreshRequest(
                model,
                slot.layer,
                slot.side,
                slot.version,
                slot.askedAfter,
                shared.configuration(),
                shared.fingerprint(),
                slot.method,
                n,
                slot.shift,
                slot.exponent,
                triangle(asked(slot.askedTensor(), task.factor())),
                partner,
                basis);
    }

    private Matrix asked(String tensor, Matrix present) {
        return settings.lag() > 0 ? arena.tensor(tensor) : present;
    }

    private static float[] triangle(Matrix symmetric) {
        int n = symmetric.rows();
        float[] triangle = new float[n * (n + 1) / 2];
        for (int i = 0, at = 0; i < n; at += n - i, i++) {
            symmetric.read(i * n + i, triangle, at, n - i);
        }
        return triangle;
    }

    /** Installs what is due before the next step, if all its answers are there. */
    private boolean installDue(Listener listener) {
        long next = step + 1;
        for (RefreshSlot slot : slots) {
            if (slot.outstanding && slot.askedAfter + settings.lag() + 1 <= next && slot.answer == null) {
                return false;
            }
        }
        for (RefreshSlot slot : slots) {
            if (slot.outstanding && slot.askedAfter + settings.lag() + 1 <= next) {
                install(slot);
                if (slot.deferred) {
                    slot.deferred = false;
                    if (ask(slot, task(slot), listener)) {
                        listener.requested(request(slot));
                    }
                }
            }
        }
        return true;
    }

    private void install(RefreshSlot slot) {
        RefreshAnswer answer = slot.answer;
        slot.answer = null;
        slot.outstanding = false;
        if (!answer.succeeded()) {
            failedRefreshes++;
            return;
        }
        shared.install(answer, layers.get(slot.layer));
    }

    /** Hands in an answer; false if it is a duplicate, was not asked for, or was computed under other numerics. */
    public boolean answer(RefreshAnswer answer) {
        for (RefreshSlot slot : slots) {
            if (slot.layer == answer.layer() && slot.side == answer.side()) {
                if (!slot.outstanding
                        || slot.answer != null
                        || slot.version != answer.version()
                        || !answer.model().equals(model)
                        || !answer.configuration().equals(shared.configuration())
                        || !answer.fingerprint().equals(shared.fingerprint())
                        || answer.succeeded() && answer.size() != slot.size) {
                    return false;
                }
                slot.answer = answer;
                return true;
            }
        }
        return false;
    }

    /** Refreshes asked for and not answered yet, oldest first, with the factors they were asked for. */
    public List<RefreshRequest> outstanding() {
        return slots.stream()
                .filter(slot -> slot.outstanding && slot.answer == null)
                .sorted(Comparator.comparingLong(slot -> slot.askedAfter))
                .map(this::request)
                .toList();
    }

    /** Whether {@link #outstanding()} has any, without putting the requests together. */
    public boolean hasOutstanding() {
        return slots.stream().anyMatch(slot -> slot.outstanding && slot.answer == null);
    }

    /** Whether a closed mini-batch waits for an answer. */
    public boolean waiting() {
        return ready > 0;
    }

    /** The next version, or empty if no step was taken since the last one. */
    public Optional<PublishedModel> publish() {
        if (step == publishedStep) {
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
                Collections.unmodifiableSortedMap(new TreeMap<>(trainedThrough)),
                finished,
                settings.mode().text(),
                shared.configuration(),
                shared.fingerprint(),
                digest,
                payload(),
                segment));
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
        return failedRefreshes;
    }

    /** Refreshes that were not done because the old basis still fitted. */
    public long skippedRefreshes() {
        return skippedRefreshes;
    }

    /** For each partition the offset of the last example that was taken. */
    public SortedMap<Integer, Long> trainedThrough() {
        return Collections.unmodifiableSortedMap(trainedThrough);
    }

    /** How many examples the open mini-batch has. */
    public int openExamples() {
        return open.instances.size();
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
        long instances = open.instances.size();
        for (MiniBatch batch : closed) {
            instances += batch.instances.size();
        }
        long answers = 0;
        for (RefreshSlot slot : slots) {
            answers += slot.answer == null ? 0 : Float.BYTES * (long) slot.answer.matrix().length;
        }
        return LEARNER_BYTES
                + SLOT_BYTES * slots.size()
                + arena.heapBytes()
                + features.bytes()
                + instances * (INSTANCE_BYTES + Float.BYTES * (long) Features.width(settings.schema()))
                + answers
                + (journal == null ? 0 : journal.bytes());
    }

    /**
     * What a reader needs to predict, in this order: a layout byte; task, {@link Objective} and layers as texts; of each
     * table its column, ids, width and pooling; the products, as two places of tables each; of each tensor its name, rows
     * and columns; feature statistics; the tensors' elements, row by row, as big-endian floats. Tensors are those of a
     * {@link Network}, in its order: {@code layerN.weights}, {@code normN.weights}, {@code embedding.COLUMN.weights}.
     */
    private byte[] payload() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(PAYLOAD_LAYOUT);
            out.writeUTF(settings.schema().task().name());
            out.writeUTF(shared.objective().name());
            out.writeUTF(settings.network().text());
            writeTables(out);
            out.writeInt(parameters.size());
            for (int i = 0; i < parameters.size(); i++) {
                out.writeUTF(shared.layout().parameters().get(i));
                out.writeInt(parameters.get(i).rows());
                out.writeInt(parameters.get(i).columns());
            }
            features.write(out);
            for (Matrix weights : published()) {
                float[] row = new float[weights.columns()];
                for (int i = 0; i < weights.rows(); i++) {
                    weights.read(i * row.length, row, 0, row.length);
                    for (float value : row) {
                        out.writeFloat(value);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Writing to memory failed", e);
        }
        return bytes.toByteArray();
    }

    private void writeTables(DataOutput out) throws IOException {
        Architecture architecture = settings.network().architecture(settings.schema());
        out.writeInt(architecture.embeddings().size());
        for (Embedding table : architecture.embeddings()) {
            out.writeUTF(table.name());
            out.writeInt(table.ids());
            out.writeInt(table.width());
            out.writeUTF(table.pooling().name());
        }
        out.writeInt(architecture.products().size());
        for (Architecture.Product product : architecture.products()) {
            out.writeInt(product.first());
            out.writeInt(product.second());
        }
    }

    /** Everything that is not in the arena, layout byte first. Answers that came early are not part of it. */
    public byte[] header() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(LAYOUT);
            out.writeUTF(shared.configuration());
            out.writeLong(step);
            out.writeLong(learned);
            out.writeLong(version);
            out.writeLong(publishedStep);
            out.writeLong(failedRefreshes);
            out.writeLong(skippedRefreshes);
            out.writeBoolean(finished);
            out.writeInt(trainedThrough.size());
            for (var entry : trainedThrough.entrySet()) {
                out.writeInt(entry.getKey());
                out.writeLong(entry.getValue());
            }
            byte[] ofOptimizer = optimizerHeader();
            out.writeInt(ofOptimizer.length);
            out.write(ofOptimizer);
            features.write(out);
            writeBatches(out);
            writeJournal(out);
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
        for (RefreshSlot slot : slots) {
            slot.write(out);
        }
        return bytes.toByteArray();
    }

    private void readOptimizerHeader(DataInputStream in) throws IOException {
        for (String counter : arena.counters()) {
            arena.setCounter(counter, in.readLong());
        }
        for (RefreshSlot slot : slots) {
            slot.read(in);
        }
    }

    private void writeBatches(DataOutput out) throws IOException {
        out.writeInt(features.awaiting());
        out.writeInt(ready);
        out.writeInt(closed.size());
        for (MiniBatch batch : closed) {
            batch.write(out);
        }
        open.write(out);
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

    /**
     * Reads the part of a {@link #header()} that needs no settings.
     *
     * @throws IllegalArgumentException if its layout is newer than this code's
     */
    public static LearnerSummary summary(byte[] header) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(header))) {
            return readSummary(in);
        } catch (IOException e) {
            throw new UncheckedIOException("The header of a learner cannot be read", e);
        }
    }

    private static LearnerSummary readSummary(DataInputStream in) throws IOException {
        int layout = in.readUnsignedByte();
        if (layout > LAYOUT) {
            throw new IllegalArgumentException(
                    "Learner layout " + layout + " is newer than this job's " + LAYOUT + "; upgrade the job");
        }
        String configuration = in.readUTF();
        long step = in.readLong();
        long learned = in.readLong();
        long version = in.readLong();
        long publishedStep = in.readLong();
        long failedRefreshes = in.readLong();
        long skippedRefreshes = in.readLong();
        boolean finished = in.readBoolean();
        SortedMap<Integer, Long> trainedThrough = new TreeMap<>();
        int partitions = bounded(in.readInt(), "partitions");
        for (int i = 0; i < partitions; i++) {
            trainedThrough.put(in.readInt(), in.readLong());
        }
        return new LearnerSummary(
                configuration,
                step,
                learned,
                version,
                publishedStep,
                failedRefreshes,
                skippedRefreshes,
                finished,
                trainedThrough);
    }

    private void read(byte[] header, String configuration, boolean withOptimizer) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(header))) {
            LearnerSummary written = readSummary(in);
            if (!written.configuration().equals(configuration)) {
                throw new IllegalArgumentException("The state of model " + model + " was written under configuration "
                        + written.configuration() + ", not under " + configuration);
            }
            step = written.step();
            learned = written.examples();
            version = written.version();
            publishedStep = written.publishedStep();
            failedRefreshes = written.failedRefreshes();
            skippedRefreshes = written.skippedRefreshes();
            finished = written.finished();
            trainedThrough.putAll(written.trainedThrough());
            int lengthOfOptimizer = bounded(in.readInt(), "bytes of an optimizer");
            if (withOptimizer) {
                readOptimizerHeader(in);
            } else {
                in.skipNBytes(lengthOfOptimizer);
            }
            features.read(in);
            readBatches(in);
            readJournal(in);
        } catch (IOException e) {
            throw new UncheckedIOException("The state of model " + model + " cannot be read", e);
        }
    }

    private void readBatches(DataInputStream in) throws IOException {
        int width = Features.width(settings.schema());
        boolean embedded = !settings.schema().embedded().isEmpty();
        int awaiting = bounded(in.readInt(), "forecasts");
        ready = bounded(in.readInt(), "ready mini-batches");
        int count = bounded(in.readInt(), "mini-batches");
        for (int i = 0; i < count; i++) {
            closed.add(MiniBatch.read(in, width, embedded, settings.batch()));
        }
        open = MiniBatch.read(in, width, embedded, settings.batch());
        List<Instance> all = new ArrayList<>();
        closed.forEach(batch -> all.addAll(batch.instances));
        all.addAll(open.instances);
        all.subList(all.size() - awaiting, all.size()).forEach(features::await);
    }

    private static int bounded(int count, String what) throws IOException {
        if (count < 0 || count > LARGEST_MAP) {
            throw new IOException("A count of " + count + " " + what + " cannot be right");
        }
        return count;
    }

    @Override
    public void close() {
        arena.close();
    }
}
