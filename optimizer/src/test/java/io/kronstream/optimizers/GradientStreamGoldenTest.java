// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static io.kronstream.golden.GoldenFile.matrix;
import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.golden.GoldenFile;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import io.kronstream.optimizers.DyKAF.Integrator;
import io.kronstream.optimizers.DyKAF.Start;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Parameters and state of each optimizer on 20 fixed gradients, with every refresh installed before the next step. */
class GradientStreamGoldenTest {
    /** Names in the files, and here, of state that does not depend on the signs of basis columns. */
    private static final Map<String, String> COMPARED_STATE =
            Map.of("L", "left", "R", "right", "exp_avg_sq", "secondMoment", "l", "leftMoment", "r", "rightMoment");

    private static final Map<String, String> INJECTED_STATE = Map.of(
            "L", "left", "R", "right", "QL", "leftBasis", "QR", "rightBasis", "l", "leftMoment", "r", "rightMoment");

    /** State in single precision: squares in a basis that is itself rounded; 2.1e-5 was seen. */
    private static final double FLOAT_STATE_TOLERANCE = 1e-4;

    /**
     * Vectors under Shampoo in single precision: the first factor that is refreshed has a condition number of 6600, and
     * rounding alone moves its root by as much. 4.0e-5 was seen, and 1.5e-5 with that root taken in double precision.
     */
    private static final double FLOAT_VECTOR_ROOT_TOLERANCE = 1e-4;

    static Stream<Arguments> cases() {
        return GoldenFile.ofSchema("grad-stream/1").stream()
                .flatMap(file -> Arrays.stream(Precision.values()).map(precision -> Arguments.of(file, precision)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void stream(GoldenFile file, Precision precision) {
        OptimizerSettings settings = settings(file);
        assumeTrue(settings != null, "no optimizer here is " + file.at("/optimizer"));
        for (int parameter = 0; parameter < file.at("/params").size(); parameter++) {
            new Run(file, precision, settings, parameter).compare();
        }
    }

    /** What the file's reference was run with; null if there is no such optimizer here. */
    private static OptimizerSettings settings(GoldenFile file) {
        JsonNode hyper = file.at("/hyper");
        String optimizer = file.at("/optimizer").asText();
        if (optimizer.startsWith("sgd_")) {
            String name = optimizer.equals("sgd_momentum") ? "sgd" : optimizer.replace("sgd_", "");
            return settings(name, hyper)
                    .with(SGD.MOMENTUM, hyper.get("momentum").asDouble());
        }
        if (optimizer.equals("adam") || optimizer.equals("adamw")) {
            return adam(optimizer, hyper);
        }
        if (optimizer.startsWith("adafactor_")) {
            return adaFactor(hyper);
        }
        if (optimizer.startsWith("shampoo_")) {
            return shampoo(hyper);
        }
        if (optimizer.startsWith("soap_")) {
            return eigenbasis("soap", hyper);
        }
        if (optimizer.startsWith("dykaf_")) {
            return eigenbasis("dykaf", hyper)
                    .with(
                            DyKAF.INTEGRATOR,
                            optimizer.contains("ksl_oldleft") ? Integrator.SEQUENTIAL_OLD_LEFT : Integrator.PARALLEL)
                    .with(DyKAF.START, Start.ABSOLUTE_EPSILON)
                    .with(
                            DyKAF.RANK_ONE_SECOND_MOMENT,
                            hyper.get("adam_rank_one").asBoolean());
        }
        return null;
    }

    private static OptimizerSettings settings(String name, JsonNode hyper) {
        return OptimizerSettings.defaults(name)
                .with(Knobs.LEARNING_RATE, hyper.get("lr").asDouble())
                .with(Adam.WEIGHT_DECAY, hyper.get("weight_decay").asDouble());
    }

    private static OptimizerSettings adam(String name, JsonNode hyper) {
        return settings(name, hyper)
                .with(Knobs.BETA1, hyper.at("/betas/0").asDouble())
                .with(Knobs.BETA2, hyper.at("/betas/1").asDouble())
                .with(Knobs.EPSILON, hyper.path("eps").asDouble(1e-8));
    }

    private static OptimizerSettings adaFactor(JsonNode hyper) {
        // Without a rate in the file, the bound of the relative step is the paper's.
        return OptimizerSettings.defaults("adafactor")
                .with(Knobs.LEARNING_RATE, hyper.get("lr").asDouble(1e-2))
                .with(AdaFactor.RELATIVE_STEP, hyper.get("relative_step").asBoolean())
                .with(AdaFactor.SCALE_PARAMETER, hyper.get("scale_parameter").asBoolean())
                .with(AdaFactor.MOMENTUM, hyper.get("beta1").isNumber())
                .with(Knobs.BETA1, hyper.get("beta1").asDouble(0))
                .with(AdaFactor.DECAY_EXPONENT, -hyper.get("decay_rate").asDouble())
                .with(AdaFactor.CLIP_THRESHOLD, hyper.get("clip_threshold").asDouble())
                .with(AdaFactor.EPSILON1, hyper.get("eps1").asDouble())
                .with(AdaFactor.EPSILON2, hyper.get("eps2").asDouble());
    }

    private static OptimizerSettings shampoo(JsonNode hyper) {
        double factorBeta = hyper.at("/betas/1").asDouble();
        boolean grafted = hyper.get("grafting").asText().equals("adam");
        OptimizerSettings settings = settings("shampoo", hyper)
                .with(Knobs.BETA1, hyper.at("/betas/0").asDouble())
                .with(Knobs.EPSILON, hyper.get("epsilon").asDouble())
                .with(Shampoo.GRAFTING, grafted ? Shampoo.Grafting.ADAM : Shampoo.Grafting.NONE)
                .with(
                        Knobs.REFRESH_INTERVAL,
                        hyper.get("precondition_frequency").asInt());
        if (grafted) {
            settings = settings.with(Knobs.BETA2, hyper.get("grafting_beta2").asDouble())
                    .with(
                            Shampoo.GRAFTING_EPSILON,
                            hyper.get("grafting_epsilon").asDouble());
        }
        // The reference sums where the decay is 1.
        return factorBeta == 1
                ? settings.with(Shampoo.ACCUMULATION, Shampoo.Accumulation.SUM)
                : settings.with(EigenbasisOptimizer.FACTOR_BETA, factorBeta);
    }

    private static OptimizerSettings eigenbasis(String name, JsonNode hyper) {
        double factorBeta = hyper.path("shampoo_beta").asDouble(-1);
        return adam(name, hyper)
                .with(EigenbasisOptimizer.RELATIVE_EPSILON, 0.0)
                .with(
                        EigenbasisOptimizer.FACTOR_BETA,
                        factorBeta >= 0 ? factorBeta : hyper.at("/betas/1").asDouble())
                .with(
                        Knobs.REFRESH_INTERVAL,
                        hyper.get("precondition_frequency").asInt());
    }

    /** Without blocks, as the file's roots are refreshed within its step. */
    private static Optimizer create(OptimizerSettings settings, Precision precision) {
        return settings.name().equals("shampoo")
                ? new Shampoo(settings, precision)
                : Optimizers.create(settings, precision);
    }

    /** One parameter of a file; a one-dimensional parameter is a matrix of one column. */
    private static final class Run {
        private final GoldenFile file;
        private final Precision precision;
        private final OptimizerSettings settings;
        private final int parameter;
        private final int rows;
        private final int columns;
        private final JsonNode reference;
        private final double tolerance;

        Run(GoldenFile file, Precision precision, OptimizerSettings settings, int parameter) {
            this.file = file;
            this.precision = precision;
            this.settings = settings;
            this.parameter = parameter;
            JsonNode shape = file.at("/params/" + parameter + "/shape");
            this.rows = shape.get(0).asInt();
            this.columns = shape.size() > 1 ? shape.get(1).asInt() : 1;
            this.reference = file.at(precision == Precision.DOUBLE ? "/runs/f64" : "/runs/f32");
            this.tolerance = tolerance();
        }

        private double tolerance() {
            if (precision == Precision.DOUBLE) {
                return GoldenFile.DOUBLE_TOLERANCE;
            }
            if (rankDeficient()) {
                return GoldenFile.FLOAT_RANK_DEFICIENT_TOLERANCE;
            }
            if (settings.name().equals("shampoo") && columns == 1) {
                return FLOAT_VECTOR_ROOT_TOLERANCE;
            }
            double spread = file.content().path("f32_vs_f64_max_rel").asDouble(0);
            return Math.max(GoldenFile.FLOAT_TOLERANCE, GoldenFile.FLOAT_SPREAD * spread);
        }

        /** Whether the first factors have an arbitrary null-space basis, which must be taken from the file. */
        private boolean rankDeficient() {
            boolean soap = settings.name().equals("soap");
            return soap && rows != columns && columns > 1
                    || file.at("/hyper").path("init").asText().equals("kron");
        }

        void compare() {
            try (Optimizer optimizer = create(settings, precision);
                    EigenRefresh refresh = new EigenRefresh(precision)) {
                Memory memory = optimizer.memory(rows, columns);
                Arena arena = new Arena(precision, memory.tensors(), memory.counters());
                LayerState state = new LayerState(arena, "");
                Matrix weights = matrix(precision, rows, columns, file.at("/init/" + parameter));
                JsonNode gradients = file.at("/grads");
                for (int call = 1; call <= gradients.size(); call++) {
                    if (call == 1 && rankDeficient() && columns > 1) {
                        inject(state);
                    } else {
                        Matrix gradient = matrix(
                                precision,
                                rows,
                                columns,
                                gradients.get(call - 1).get(parameter));
                        step(optimizer, refresh, call, gradient, weights, state);
                    }
                    compareParameters(weights, call);
                    refresh(optimizer, refresh, state);
                    // The reference refreshes within the call.
                    if (parameter == 0) {
                        compareState(arena, call);
                    }
                }
                arena.close();
            }
        }

        private void step(
                Optimizer optimizer,
                EigenRefresh refresh,
                int call,
                Matrix gradient,
                Matrix weights,
                LayerState state) {
            int start = file.at("/hyper").path("start_preconditioning_step").asInt();
            if (optimizer instanceof Shampoo shampoo && call > start) {
                // The reference moves the parameters by the roots that the same call refreshes.
                shampoo.observe(new LayerGradient(gradient), state);
                refresh(shampoo, refresh, state);
                shampoo.advance(gradient, weights, state);
            } else {
                optimizer.step(new LayerGradient(gradient), weights, state);
            }
        }

        private static void refresh(Optimizer optimizer, EigenRefresh refresh, LayerState state) {
            for (RefreshTask task : optimizer.due(state)) {
                optimizer.install(state, task.side(), refresh.compute(task));
            }
        }

        private void inject(LayerState state) {
            JsonNode stored = reference.at("/state/1");
            stored.fieldNames().forEachRemaining(name -> {
                if (INJECTED_STATE.containsKey(name)) {
                    Matrix tensor = state.tensor(INJECTED_STATE.get(name));
                    tensor.copyFrom(matrix(precision, tensor.rows(), tensor.columns(), stored.get(name)));
                }
            });
            state.setCounter("calls", 1);
        }

        private void compareParameters(Matrix weights, int call) {
            JsonNode expected = reference.at("/after/" + call);
            if (!expected.isMissingNode()) {
                assertThat(relativeError(weights, expected.get(parameter)))
                        .as("parameter %d after call %d", parameter, call)
                        .isLessThan(tolerance);
            }
        }

        private void compareState(Arena arena, int call) {
            JsonNode expected = reference.at("/state/" + call);
            double stateTolerance =
                    precision == Precision.DOUBLE ? tolerance : Math.max(tolerance, FLOAT_STATE_TOLERANCE);
            expected.fieldNames().forEachRemaining(name -> {
                if (COMPARED_STATE.containsKey(name) && call > 1) {
                    assertThat(relativeError(arena.tensor(COMPARED_STATE.get(name)), expected.get(name)))
                            .as("%s after call %d", name, call)
                            .isLessThan(stateTolerance);
                }
            });
        }
    }
}
