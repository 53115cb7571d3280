// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshMethod;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import io.kronstream.optimizers.DyKAF.Integrator;
import io.kronstream.optimizers.DyKAF.Start;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What every optimizer promises. A new one joins by a line in {@link #table()}. */
class OptimizerContractTest {
    private static final int ROWS = 6;
    private static final int COLUMNS = 5;

    /** Enough for several refreshes. */
    private static final int STEPS = 45;

    private static Stream<OptimizerSettings> table() {
        return Stream.of(
                OptimizerSettings.defaults("sgd").with(Knobs.LEARNING_RATE, 1e-3),
                OptimizerSettings.defaults("nesterov").with(Knobs.LEARNING_RATE, 1e-3),
                OptimizerSettings.defaults("adam"),
                OptimizerSettings.defaults("adamw").with(Adam.WEIGHT_DECAY, 0.0),
                OptimizerSettings.defaults("eva")
                        .with(Knobs.LEARNING_RATE, 1e-3)
                        .with(Eva.DAMPING, 1.0),
                OptimizerSettings.defaults("adahessian"),
                OptimizerSettings.defaults("adafactor"),
                OptimizerSettings.defaults("adafactor")
                        .with(AdaFactor.MOMENTUM, true)
                        .with(AdaFactor.RELATIVE_STEP, true),
                OptimizerSettings.defaults("adagrad"),
                OptimizerSettings.defaults("ftrl"),
                OptimizerSettings.defaults("ftrl").with(FTRL.L1, 0.01).with(FTRL.L2, 0.01),
                adaFisher("adafisher"),
                adaFisher("adafisher-code"),
                adaFisher("adafisherw"),
                adaFisher("adafisherw-code"),
                OptimizerSettings.defaults("kfac"),
                OptimizerSettings.defaults("kfac").with(KFAC.FORM, KFAC.Form.EIGEN),
                OptimizerSettings.defaults("kfac")
                        .with(KFAC.CONVENTION, KFAC.Convention.KFAC_PYTORCH)
                        .with(KroneckerOptimizer.DAMPING, 1.0)
                        .with(KroneckerOptimizer.KL_CLIP, 1e-6),
                OptimizerSettings.defaults("kfac")
                        .with(KroneckerOptimizer.ADAPTATION, KroneckerOptimizer.Adaptation.LEVENBERG_MARQUARDT),
                OptimizerSettings.defaults("kpsvd"),
                OptimizerSettings.defaults("deflation"),
                OptimizerSettings.defaults("lanczos"),
                OptimizerSettings.defaults("lanczos")
                        .with(TwoProductOptimizer.INDEFINITE, TwoProductOptimizer.Indefinite.FIRST_PRODUCT),
                OptimizerSettings.defaults("kfac-corrected"),
                OptimizerSettings.defaults("shampoo"),
                OptimizerSettings.defaults("shampoo")
                        .with(Shampoo.ACCUMULATION, Shampoo.Accumulation.SUM)
                        .with(Shampoo.GRAFTING, Shampoo.Grafting.NONE),
                OptimizerSettings.defaults("shampoo").with(Blocked.BLOCK_SIZE, 4),
                OptimizerSettings.defaults("soap"),
                OptimizerSettings.defaults("soap").with(EigenbasisOptimizer.MAX_SIDE, 5),
                OptimizerSettings.defaults("dykaf").with(EigenbasisOptimizer.MAX_SIDE, 5),
                OptimizerSettings.defaults("dykaf"),
                surrounded("adam", Surroundings.Schedule.INVERSE_SQRT, Surroundings.Averaging.PUBLISHED),
                surrounded("soap", Surroundings.Schedule.COSINE, Surroundings.Averaging.NONE),
                surrounded("sgd", Surroundings.Schedule.CONSTANT, Surroundings.Averaging.PREDICTING)
                        .with(Knobs.LEARNING_RATE, 1e-3),
                dykaf(RefreshMethod.EIGENDECOMPOSITION, Integrator.SEQUENTIAL, Start.RELATIVE_EPSILON, false),
                dykaf(RefreshMethod.QR_ITERATION, Integrator.PARALLEL, Start.ABSOLUTE_EPSILON, true),
                dykaf(RefreshMethod.QR_ITERATION, Integrator.SEQUENTIAL_OLD_LEFT, Start.KRON, false),
                dykaf(RefreshMethod.EIGENDECOMPOSITION, Integrator.SEQUENTIAL, Start.KRON, true));
    }

    static Stream<Arguments> cases() {
        return table().flatMap(settings -> Stream.of(Precision.values())
                .map(precision -> Arguments.of(Named.of(settings.toString(), settings), precision)));
    }

    /** With steps of the size of the gradients, as the undamped ones are bounded by lr / damping alone. */
    private static OptimizerSettings adaFisher(String name) {
        return OptimizerSettings.defaults(name)
                .with(AdaFisher.DAMPING, 1.0)
                .with(AdaFisher.FACTOR_INTERVAL, 10)
                .with(Adam.WEIGHT_DECAY, 0.0);
    }

    /** Without decay, under which nothing stays where it is. */
    private static OptimizerSettings surrounded(
            String name, Surroundings.Schedule schedule, Surroundings.Averaging averaging) {
        return OptimizerSettings.defaults(name)
                .with(Surroundings.SCHEDULE, schedule)
                .with(Surroundings.WARM_UP, 5)
                .with(Surroundings.CLIP_NORM, 2.0)
                .with(Surroundings.CLIP_VALUE, 0.5)
                .with(Surroundings.AVERAGING, averaging);
    }

    private static OptimizerSettings dykaf(
            RefreshMethod method, Integrator integrator, Start start, boolean rankOneSecondMoment) {
        return OptimizerSettings.defaults("dykaf")
                .with(Knobs.REFRESH_METHOD, method)
                .with(DyKAF.INTEGRATOR, integrator)
                .with(DyKAF.START, start)
                .with(DyKAF.RANK_ONE_SECOND_MOMENT, rankOneSecondMoment);
    }

    @Test
    void everyNameIsInTheTableAndCanBeCreated() {
        List<String> tested = table().map(OptimizerSettings::name).distinct().toList();
        assertThat(tested).containsExactlyInAnyOrderElementsOf(Optimizers.names());
        for (String name : Optimizers.names()) {
            try (Optimizer optimizer = Optimizers.create(OptimizerSettings.defaults(name), Precision.FLOAT)) {
                assertThat(optimizer.name()).isEqualTo(name);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void zeroGradientsFromTheStartChangeNoParameter(OptimizerSettings settings, Precision precision) {
        try (Layer layer = new Layer(settings, precision, ROWS, COLUMNS)) {
            Matrix before = Samples.as(precision, layer.weights);
            layer.steps(0, STEPS, step -> Matrix.create(precision, ROWS, COLUMNS));
            assertThat(Samples.relativeError(layer.weights, before)).isZero();
            layer.assertFinite();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aLongSilenceIsSurvived(OptimizerSettings settings, Precision precision) {
        try (Layer layer = new Layer(settings, precision, ROWS, COLUMNS)) {
            layer.steps(0, 20, gradients(precision, 1));
            layer.steps(20, 1500, step -> Matrix.create(precision, ROWS, COLUMNS));
            layer.assertFinite();
            Matrix before = Samples.as(precision, layer.weights);
            layer.steps(1520, 20, gradients(precision, 1));
            layer.assertFinite();
            assertThat(Samples.relativeError(layer.weights, before)).isPositive();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theSmallestLayersLearn(OptimizerSettings settings, Precision precision) {
        for (int[] shape : new int[][] {{1, 1}, {1, 2}, {1, 7}, {7, 1}, {2, 2}}) {
            try (Layer layer = new Layer(settings, precision, shape[0], shape[1])) {
                Random random = new Random(1);
                double before = layer.weights.get(0, 0);
                layer.steps(0, STEPS, step -> {
                    Matrix gradient = Samples.normal(precision, shape[0], shape[1], 0.1, random);
                    gradient.set(0, 0, 1);
                    return gradient;
                });
                layer.assertFinite();
                assertThat(layer.weights.get(0, 0)).isLessThan(before);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void rankDeficientFactorsStayFinite(OptimizerSettings settings, Precision precision) {
        try (Layer layer = new Layer(settings, precision, ROWS, COLUMNS)) {
            Random random = new Random(2);
            Matrix u = Samples.normal(precision, ROWS, 1, 1, random);
            Matrix v = Samples.normal(precision, COLUMNS, 1, 1, random);
            Matrix gradient = Matrix.create(precision, ROWS, COLUMNS);
            gradient.multiply(1, u, false, v, true, 0);
            Matrix before = Samples.as(precision, layer.weights);
            layer.steps(0, 300, step -> gradient);
            layer.assertFinite();
            // Adam-like steps are at most about lr each, times the root of the number of rotated entries.
            double reach = 300 * settings.get(Knobs.LEARNING_RATE) * Math.sqrt(ROWS * COLUMNS) * 2;
            for (int i = 0; i < ROWS; i++) {
                for (int j = 0; j < COLUMNS; j++) {
                    assertThat(Math.abs(layer.weights.get(i, j) - before.get(i, j)))
                            .isLessThan(reach);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void hugeAndTinyGradientsStayFinite(OptimizerSettings settings, Precision precision) {
        for (double scale : new double[] {1e-42, 1e-30, 1e-20, 1e18}) {
            try (Layer layer = new Layer(settings, precision, ROWS, COLUMNS)) {
                layer.steps(0, STEPS, gradients(precision, scale));
                layer.assertFinite();
            }
        }
        try (Layer layer = new Layer(settings, precision, ROWS, COLUMNS)) {
            for (int round = 0; round < 6; round++) {
                layer.steps(round * 15, 15, gradients(precision, round % 2 == 0 ? 1e18 : 1e-30));
                layer.assertFinite();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aSilentInputKeepsItsWeights(OptimizerSettings settings, Precision precision) {
        int silent = 2;
        try (Layer layer = new Layer(settings, precision, ROWS, COLUMNS)) {
            Matrix before = Samples.as(precision, layer.weights);
            Random random = new Random(3);
            layer.steps(0, 200, step -> {
                Matrix gradient = Samples.normal(precision, ROWS, COLUMNS, 1, random);
                for (int i = 0; i < ROWS; i++) {
                    gradient.set(i, silent, 0);
                }
                return gradient;
            });
            layer.assertFinite();
            for (int i = 0; i < ROWS; i++) {
                assertThat(layer.weights.get(i, silent)).isEqualTo(before.get(i, silent));
                assertThat(layer.weights.get(i, 0)).isNotEqualTo(before.get(i, 0));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void symmetricTensorsAreExactlySymmetric(OptimizerSettings settings, Precision precision) {
        try (Layer layer = new Layer(settings, precision, ROWS, COLUMNS)) {
            layer.steps(0, STEPS, gradients(precision, 1));
            for (TensorSpec spec : layer.arena.tensors()) {
                Matrix tensor = layer.arena.tensor(spec.name());
                for (int i = 0; i < spec.rows() && spec.symmetric(); i++) {
                    for (int j = 0; j < i; j++) {
                        assertThat(tensor.get(i, j)).isEqualTo(tensor.get(j, i));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatChangedIsDirty(OptimizerSettings settings, Precision precision) {
        try (Layer layer = new Layer(settings, precision, ROWS, COLUMNS)) {
            float[] before = new float[(int) layer.arena.packedLength()];
            float[] after = new float[before.length];
            for (int step = 0; step < STEPS; step++) {
                layer.arena.pack(0, before, 0, before.length);
                layer.arena.clearDirty();
                layer.steps(step, 1, gradients(precision, 1));
                layer.arena.pack(0, after, 0, after.length);
                for (int i = 0; i < before.length; i++) {
                    if (after[i] != before[i]) {
                        assertThat(layer.arena.isDirty(i, i + 1))
                                .as("element %d after step %d", i, step)
                                .isTrue();
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aResumedRunEqualsAnUninterruptedRun(OptimizerSettings settings, Precision precision) {
        // Stored elements are single precision.
        try (Layer whole = new Layer(settings, Precision.FLOAT, ROWS, COLUMNS);
                Layer first = new Layer(settings, Precision.FLOAT, ROWS, COLUMNS);
                Layer second = new Layer(settings, Precision.FLOAT, ROWS, COLUMNS)) {
            whole.steps(0, STEPS, gradients(Precision.FLOAT, 1));
            first.steps(0, 23, gradients(Precision.FLOAT, 1));
            float[] stored = new float[(int) first.arena.packedLength()];
            first.arena.pack(0, stored, 0, stored.length);
            second.arena.unpack(0, stored, 0, stored.length);
            for (String counter : first.arena.counters()) {
                second.arena.setCounter(counter, first.arena.counter(counter));
            }
            second.weights.copyFrom(first.weights);
            second.steps(23, STEPS - 23, gradients(Precision.FLOAT, 1));

            assertThat(second.arena.digest()).isEqualTo(whole.arena.digest());
            assertThat(Samples.relativeError(second.weights, whole.weights)).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void anotherModelBetweenStepsChangesNothing(OptimizerSettings settings, Precision precision) {
        try (Layer alone = new Layer(settings, precision, ROWS, COLUMNS);
                Layer shared = new Layer(settings, precision, ROWS, COLUMNS);
                Layer other = new Layer(shared.optimizer, precision, ROWS, COLUMNS)) {
            for (int step = 0; step < STEPS; step++) {
                alone.steps(step, 1, gradients(precision, 1));
                other.steps(step, 1, gradients(precision, 100));
                shared.steps(step, 1, gradients(precision, 1));
            }
            assertThat(shared.arena.digest()).isEqualTo(alone.arena.digest());
        }
    }

    /** The gradient of a step depends on the step alone. */
    private static IntFunction<Matrix> gradients(Precision precision, double scale) {
        return step -> Samples.normal(precision, ROWS, COLUMNS, scale, new Random(1000 + step));
    }

    /** With thin factors: example i has row i of the gradient as its input, and reaches output i alone. */
    private static LayerGradient layerGradient(Matrix gradient) {
        int examples = gradient.rows();
        Matrix preActivationGradients = Matrix.create(gradient.precision(), examples, examples);
        preActivationGradients.setIdentity(examples);
        return new LayerGradient(gradient, gradient, preActivationGradients, preActivationGradients)
                .withHessianProduct(gradient);
    }

    private static final class Layer implements AutoCloseable {
        final Optimizer optimizer;
        final EigenRefresh refresh;
        final Arena arena;
        final LayerState state;
        final Matrix weights;

        Layer(OptimizerSettings settings, Precision precision, int rows, int columns) {
            this(Optimizers.create(settings, precision), precision, rows, columns);
        }

        Layer(Optimizer optimizer, Precision precision, int rows, int columns) {
            this.optimizer = optimizer;
            this.refresh = new EigenRefresh(precision);
            Memory memory = optimizer.memory(rows, columns);
            List<TensorSpec> tensors = new ArrayList<>();
            memory.tensors().forEach(spec -> tensors.add(spec.prefixed("layer.")));
            this.arena = new Arena(
                    precision,
                    tensors,
                    memory.counters().stream().map(name -> "layer." + name).toList());
            this.state = new LayerState(arena, "layer.");
            this.weights = Samples.normal(precision, rows, columns, 1, new Random(17));
        }

        void steps(int from, int count, IntFunction<Matrix> gradients) {
            for (int step = from; step < from + count; step++) {
                LayerGradient gradient = layerGradient(gradients.apply(step));
                assertThat(gradient.isFinite()).isTrue();
                optimizer.step(gradient, weights, state);
                for (RefreshTask task : optimizer.due(state)) {
                    optimizer.install(state, task.side(), refresh.compute(task));
                }
            }
        }

        void assertFinite() {
            assertThat(weights.squaredNorm()).isFinite();
            for (TensorSpec spec : arena.tensors()) {
                assertThat(arena.tensor(spec.name()).squaredNorm())
                        .as(spec.name())
                        .isFinite();
            }
        }

        @Override
        public void close() {
            optimizer.close();
            refresh.close();
            arena.close();
        }
    }
}
