// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every optimizer promises to one layer. A new one joins by a line in {@link OptimizerTable}, and with it the tests of
 * mini-batches of low rank, of a basis' order and sign, and of models that learn from streams.
 */
class OptimizerContractTest {
    private static final int ROWS = 6;
    private static final int COLUMNS = 5;

    /** Enough for several refreshes. */
    private static final int STEPS = 45;

    static Stream<Arguments> cases() {
        return OptimizerTable.all().flatMap(settings -> Stream.of(Precision.values())
                .map(precision -> Arguments.of(Named.of(settings.toString(), settings), precision)));
    }

    @Test
    void everyNameIsInTheTableAndCanBeCreated() {
        List<String> tested =
                OptimizerTable.all().map(OptimizerSettings::name).distinct().toList();
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

    /** Where what keeps a denominator from zero is as small as it may be. */
    @ParameterizedTest
    @MethodSource("cases")
    void theSmallestDenominatorsStayFinite(OptimizerSettings settings, Precision precision) {
        OptimizerSettings smallest = settings;
        for (Knob<?> knob : Optimizers.knobs(settings.name())) {
            if (knob.range().contains("1e-30")) {
                smallest = smallest.with(knob.name(), "1e-30");
            } else if (knob.range().contains("1e-12")) {
                smallest = smallest.with(knob.name(), "1e-12");
            }
        }
        assertThat(smallest.problems()).isEmpty();
        try (Layer layer = new Layer(smallest, precision, ROWS, COLUMNS)) {
            for (double scale : new double[] {1, 0, 1e-30, 1e-42, 1e18, 0}) {
                layer.steps(0, 15, gradients(precision, scale));
                layer.assertFinite();
            }
        }
    }

    /** A learner refuses the mini-batch whose gradient says so, and tells why. */
    @ParameterizedTest
    @EnumSource(Precision.class)
    void gradientsWhoseSquaresAreNoFloatsAreNotForOptimizers(Precision precision) {
        for (double entry : new double[] {1e30, 3e38, Double.POSITIVE_INFINITY, Double.NaN}) {
            Matrix gradient = Matrix.create(precision, ROWS, COLUMNS);
            gradient.set(1, 2, entry);
            assertThat(layerGradient(gradient).isFinite()).isFalse();
            assertThat(new LayerGradient(gradient).isFinite()).isFalse();
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
