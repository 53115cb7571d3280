// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.fisher.BasisFit;
import io.kronstream.fisher.Decomposition;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.ArenaLayout;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Numerics;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.Architecture;
import io.kronstream.network.LayerShape;
import io.kronstream.network.Network;
import io.kronstream.optimizers.LayerState;
import io.kronstream.optimizers.Memory;
import io.kronstream.optimizers.Optimizer;
import io.kronstream.optimizers.Optimizers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Creates the learners of one thread, which share its scratch memory. Not thread-safe. */
public final class LearnerFactory implements AutoCloseable {
    /** Variants that are kept, whether learners hold them or not; more only as long as they are held. */
    static final int MAX_IDLE = 16;

    private final LearnerSettings settings;
    private final LearnerLayout layout;
    private final ArenaLayout arenaLayout;
    private final String configuration;
    private final String fingerprint;
    private final Network network;
    private final Optimizer optimizer;
    private final SideLayers sideLayers;
    private final Objective objective;
    private final BasisFit basisFit = new BasisFit(Precision.FLOAT);
    private final double[] targets;
    private final Map<Integer, Matrix> results = new HashMap<>();
    /** Null unless it is one of another factory's {@link #variants}. */
    private final LearnerFactory original;

    private final Map<SortedMap<String, String>, LearnerFactory> variants = new HashMap<>();
    /** Learners that hold this variant. */
    private int users;

    /** @throws IllegalArgumentException if {@link LearnerSettings#problems()} finds any */
    public LearnerFactory(LearnerSettings settings) {
        this(settings, null);
    }

    private LearnerFactory(LearnerSettings settings, LearnerFactory original) {
        List<String> problems = settings.problems();
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        Numerics.singleThreaded();
        this.settings = settings;
        this.original = original;
        this.fingerprint = Numerics.fingerprint();
        this.targets = new double[settings.batch()];
        this.objective = settings.network().objective().of(settings.schema().task());
        Architecture architecture = settings.network().architecture(settings.schema());
        this.network = new Network(Precision.FLOAT, architecture, settings.batch());
        this.sideLayers = new SideLayers(settings, architecture, network);
        this.optimizer = Optimizers.create(settings.optimizer(), Precision.FLOAT);
        List<TensorSpec> tensors = new ArrayList<>();
        List<String> parameters = new ArrayList<>();
        List<String> counters = new ArrayList<>();
        for (int layer = 0; layer < network.shapes().size(); layer++) {
            parameters.add(ModelNetwork.weightsTensor(layer));
            declare(layer, network.shapes().get(layer), tensors, counters);
        }
        sideLayers.declare(tensors, parameters, counters);
        SortedMap<String, String> structure = settings.structure();
        structure.put("state.precision", Precision.FLOAT.name());
        this.layout = new LearnerLayout(structure, tensors, parameters, counters);
        this.arenaLayout = new ArenaLayout(tensors, counters);
        this.configuration = layout.digest();
    }

    private void declare(int layer, LayerShape shape, List<TensorSpec> tensors, List<String> counters) {
        String prefix = ModelNetwork.layerPrefix(layer);
        tensors.add(TensorSpec.dense(ModelNetwork.weightsTensor(layer), shape.rows(), shape.columns()));
        Memory memory = optimizer.memory(shape.rows(), shape.columns());
        memory.tensors().forEach(tensor -> tensors.add(tensor.prefixed(prefix)));
        memory.counters().forEach(counter -> counters.add(prefix + counter));
        if (settings.lag() > 0) {
            for (int side : optimizer.sides(shape.rows(), shape.columns())) {
                int size = optimizer.sideLength(shape.rows(), shape.columns(), side);
                RefreshSlot slot = new RefreshSlot(new RefreshSide(layer, side, size));
                tensors.add(TensorSpec.symmetric(slot.askedTensor(), size));
                if (optimizer.refreshesPairs()) {
                    tensors.add(TensorSpec.symmetric(slot.askedPartnerTensor(), size));
                }
            }
        }
    }

    /** A learner that has seen nothing; its parameters depend on the seed and the model's id alone. */
    public Learner create(String model) {
        Learner learner = new Learner(this, model);
        learner.initialise();
        return learner;
    }

    /**
     * A learner as it was when {@link Learner#header()} was taken. Its arena is still zero: the caller unpacks the
     * stored elements into {@link Learner#arena()} before using it.
     *
     * @throws IllegalArgumentException if the header's layout is newer than this code's or its configuration differs
     */
    public Learner restore(String model, byte[] header) {
        Learner learner = new Learner(this, model);
        learner.read(header);
        return learner;
    }

    /**
     * A learner that goes on from one of another layout: it keeps the parameters, feature statistics, mini-batches and
     * positions; the optimizer starts anew.
     *
     * @param header {@link Learner#header()} of the other learner
     * @param other its layout; {@link LearnerLayout#differencesWithoutOptimizer} must be empty
     * @param memory its arena
     */
    public Learner restoreParameters(String model, byte[] header, LearnerLayout other, Arena memory) {
        Learner learner = new Learner(this, model);
        learner.readWithoutOptimizer(header, other.digest());
        for (String parameter : layout.parameters()) {
            learner.arena().tensor(parameter).copyFrom(memory.tensor(parameter));
            learner.arena().markDirty(parameter);
        }
        return learner;
    }

    /**
     * What learners share for which some options have been set to other values. The state of learners is the same for
     * all values. Each different set of values has scratch memory of its own, until nobody holds it: whoever calls this
     * calls {@link #release} on the result.
     *
     * @throws IllegalArgumentException as {@link LearnerSettings#with(SortedMap)}
     */
    LearnerFactory with(SortedMap<String, String> values) {
        if (original != null) {
            return original.with(values);
        }
        if (values.isEmpty()) {
            return this;
        }
        LearnerFactory variant = variants.get(values);
        if (variant == null) {
            variant = new LearnerFactory(settings.with(values), this);
            variants.put(new TreeMap<>(values), variant);
        }
        variant.users++;
        return variant;
    }

    /** A learner does not hold this any more; a few that nobody holds are kept for the next. */
    void release() {
        if (original == null) {
            return;
        }
        users--;
        if (users == 0
                && original.variants.size() > MAX_IDLE
                && original.variants.values().remove(this)) {
            close();
        }
    }

    /** How many sets of values have scratch memory of their own. */
    int variants() {
        return variants.size();
    }

    /** What the state of this factory's learners is made of. */
    public LearnerLayout layout() {
        return layout;
    }

    Arena newArena() {
        return new Arena(Precision.FLOAT, arenaLayout);
    }

    void install(RefreshAnswer answer, LayerState layer) {
        int n = answer.size();
        Matrix matrix = results.computeIfAbsent(n, size -> Matrix.create(Precision.FLOAT, size, size));
        matrix.write(0, answer.matrix(), 0, n * n);
        double[] eigenvalues = new double[answer.eigenvalues().length];
        for (int j = 0; j < eigenvalues.length; j++) {
            eigenvalues[j] = answer.eigenvalues()[j];
        }
        optimizer.install(layer, answer.side(), new Decomposition(true, matrix, eigenvalues, answer.permutation()));
    }

    LearnerSettings settings() {
        return settings;
    }

    Network network() {
        return network;
    }

    SideLayers sideLayers() {
        return sideLayers;
    }

    /** What the network's output means; never {@link Objective#AUTO}. */
    Objective objective() {
        return objective;
    }

    Optimizer optimizer() {
        return optimizer;
    }

    BasisFit basisFit() {
        return basisFit;
    }

    double[] targets() {
        return targets;
    }

    String configuration() {
        return configuration;
    }

    String fingerprint() {
        return fingerprint;
    }

    @Override
    public void close() {
        network.close();
        optimizer.close();
        basisFit.close();
        sideLayers.close();
        results.values().forEach(Matrix::close);
        variants.values().forEach(LearnerFactory::close);
        variants.clear();
    }
}
