// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static io.kronstream.golden.GoldenFile.matrix;
import static io.kronstream.golden.GoldenFile.relativeError;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.golden.GoldenFields;
import io.kronstream.golden.GoldenFile;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.LayerGradient;
import io.kronstream.optimizers.DyKAF.Integrator;
import io.kronstream.optimizers.DyKAF.Start;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Parameters and state of each optimizer on 20 fixed gradients, with every refresh installed before the next step. */
class GradientStreamGoldenTest {
    /** Names in the files, and here, of state that does not depend on the signs of basis columns. */
    private static final Map<String, String> COMPARED_STATE =
            Map.of("L", "left", "R", "right", "exp_avg_sq", "secondMoment", "l", "leftMoment", "r", "rightMoment");

    private static final Map<String, String> INJECTED_STATE = Map.of(
            "L", "left", "R", "right", "QL", "leftBasis", "QR", "rightBasis", "l", "leftMoment", "r", "rightMoment");

    /** Momentum in a basis, or not, and bases themselves are the same whatever the signs: they show in the parameters. */
    private static final Set<String> KNOWN_STATE =
            Set.of("L", "R", "QL", "QR", "exp_avg", "exp_avg_projected", "exp_avg_sq", "l", "r");

    /** Factors of a first gradient that do not tell all their eigenvectors apart leave the others to chance. */
    private static final double LEAST_GAP = 1e-7;

    @TestFactory
    Stream<DynamicTest> stream() {
        return GoldenFile.tests("grad-stream/1", GradientStreamGoldenTest::compare);
    }

    private static void compare(GoldenFile file) {
        OptimizerSettings settings = settings(file);
        GoldenFields runs = file.fields("/runs");
        runs.passOver("f64", "f32");
        runs.assertAllRead();
        file.inBothPrecisions(precision -> {
            for (int parameter = 0; parameter < file.at("/params").size(); parameter++) {
                new Run(file, precision, settings, parameter).compare();
            }
        });
    }

    /** What the file's reference was run with. */
    private static OptimizerSettings settings(GoldenFile file) {
        GoldenFields hyper = file.fields("/hyper");
        OptimizerSettings settings = settings(file.at("/optimizer").asText(), hyper);
        hyper.assertAllRead();
        return settings;
    }

    private static OptimizerSettings settings(String optimizer, GoldenFields hyper) {
        return switch (optimizer.replaceFirst("_.*", "")) {
            case "sgd" -> sgd(hyper);
            case "adam", "adamw" -> adam(optimizer.replaceFirst("_.*", ""), hyper);
            case "adafactor" -> adaFactor(hyper);
            case "shampoo" -> shampoo(hyper);
            case "soap" -> soap(hyper);
            case "dykaf" -> dykaf(optimizer, hyper);
            default -> throw new AssertionError("No optimizer here is " + optimizer);
        };
    }

    private static OptimizerSettings settings(String name, GoldenFields hyper, Knob<Double> decay) {
        return OptimizerSettings.defaults(name)
                .with(Knobs.LEARNING_RATE, hyper.number("lr"))
                .with(decay, hyper.number("weight_decay"));
    }

    private static OptimizerSettings sgd(GoldenFields hyper) {
        hyper.only("dampening", 0);
        return settings(hyper.flag("nesterov", false) ? "nesterov" : "sgd", hyper, SGD.WEIGHT_DECAY)
                .with(SGD.MOMENTUM, hyper.number("momentum"));
    }

    private static OptimizerSettings adam(String name, GoldenFields hyper) {
        hyper.only("amsgrad", false);
        return settings(name, hyper, Adam.WEIGHT_DECAY)
                .with(Knobs.BETA1, hyper.get("betas").get(0).asDouble())
                .with(Knobs.BETA2, hyper.get("betas").get(1).asDouble())
                .with(Knobs.EPSILON, hyper.number("eps"));
    }

    private static OptimizerSettings adaFactor(GoldenFields hyper) {
        hyper.only("warmup_init", false);
        boolean relative = hyper.flag("relative_step");
        OptimizerSettings settings = OptimizerSettings.defaults("adafactor")
                .with(AdaFactor.RELATIVE_STEP, relative)
                // Without a rate in the file, the bound of the relative step is the paper's.
                .with(Knobs.LEARNING_RATE, relative ? hyper.number("lr", 1e-2) : hyper.number("lr"))
                .with(AdaFactor.SCALE_PARAMETER, hyper.flag("scale_parameter"))
                .with(AdaFactor.MOMENTUM, hyper.has("beta1"))
                .with(AdaFactor.DECAY_EXPONENT, -hyper.number("decay_rate"))
                .with(AdaFactor.CLIP_THRESHOLD, hyper.number("clip_threshold"))
                .with(AdaFactor.EPSILON1, hyper.number("eps1"))
                .with(AdaFactor.EPSILON2, hyper.number("eps2"))
                .with(EigenbasisOptimizer.WEIGHT_DECAY, hyper.number("weight_decay", 0));
        return hyper.has("beta1") ? settings.with(Knobs.BETA1, hyper.number("beta1")) : settings;
    }

    private static OptimizerSettings shampoo(GoldenFields hyper) {
        hyper.only("momentum", 0);
        hyper.only("use_merge_dims", false);
        hyper.only("bias_correction", true);
        hyper.only("exponent", "-1/(2*order): matrix -1/4 per side, vector -1/2");
        hyper.passOver("start_preconditioning_step"); // read by the run
        double factorBeta = hyper.get("betas").get(1).asDouble();
        boolean grafted = !hyper.text("grafting").equals("none");
        if (grafted) {
            hyper.only("grafting", "adam");
        }
        OptimizerSettings settings = settings("shampoo", hyper, EigenbasisOptimizer.WEIGHT_DECAY)
                .with(Knobs.BETA1, hyper.get("betas").get(0).asDouble())
                .with(Knobs.EPSILON, hyper.number("epsilon"))
                .with(Shampoo.GRAFTING, grafted ? Shampoo.Grafting.ADAM : Shampoo.Grafting.NONE)
                .with(Knobs.REFRESH_INTERVAL, hyper.count("precondition_frequency"));
        if (grafted) {
            settings = settings.with(Knobs.BETA2, hyper.number("grafting_beta2"))
                    .with(Shampoo.GRAFTING_EPSILON, hyper.number("grafting_epsilon"));
        }
        // The reference sums where the decay is 1.
        return factorBeta == 1
                ? settings.with(Shampoo.ACCUMULATION, Shampoo.Accumulation.SUM)
                : settings.with(EigenbasisOptimizer.FACTOR_BETA, factorBeta);
    }

    private static OptimizerSettings soap(GoldenFields hyper) {
        return eigenbasis("soap", hyper);
    }

    private static OptimizerSettings dykaf(String optimizer, GoldenFields hyper) {
        Integrator integrator = optimizer.contains("ksl_oldleft")
                ? Integrator.SEQUENTIAL_OLD_LEFT
                : optimizer.contains("ksl") ? Integrator.SEQUENTIAL : Integrator.PARALLEL;
        Start start =
                switch (hyper.text("init")) {
                    case "eps" -> Start.ABSOLUTE_EPSILON;
                    case "kron" -> Start.KRON;
                    default -> throw new AssertionError("No start here is " + hyper.text("init"));
                };
        return eigenbasis("dykaf", hyper)
                .with(DyKAF.INTEGRATOR, integrator)
                .with(DyKAF.START, start)
                .with(DyKAF.RANK_ONE_SECOND_MOMENT, hyper.flag("adam_rank_one"));
    }

    private static OptimizerSettings eigenbasis(String name, GoldenFields hyper) {
        hyper.only("precondition_1d", false);
        hyper.only("merge_dims", false);
        double factorBeta = hyper.number("shampoo_beta", -1);
        OptimizerSettings settings = adam(name, hyper)
                .with(EigenbasisOptimizer.RELATIVE_EPSILON, 0.0)
                .with(EigenbasisOptimizer.BIAS_CORRECTION, hyper.flag("correct_bias", true))
                .with(EigenbasisOptimizer.NORMALISED, hyper.flag("normalize_grads", false))
                .with(
                        EigenbasisOptimizer.FACTOR_BETA,
                        factorBeta >= 0 ? factorBeta : hyper.get("betas").get(1).asDouble())
                .with(Knobs.REFRESH_INTERVAL, hyper.count("precondition_frequency"));
        return hyper.has("max_precond_dim")
                ? settings.with(EigenbasisOptimizer.MAX_SIDE, hyper.count("max_precond_dim"))
                : settings;
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

        /** Of the factor of Shampoo with the worst one. */
        private double condition = 1;

        /** Computed, and not yet installed. */
        private final List<Runnable> waiting = new ArrayList<>();

        Run(GoldenFile file, Precision precision, OptimizerSettings settings, int parameter) {
            this.file = file;
            this.precision = precision;
            this.settings = settings;
            this.parameter = parameter;
            JsonNode shape = file.at("/params/" + parameter + "/shape");
            this.rows = shape.get(0).asInt();
            this.columns = shape.size() > 1 ? shape.get(1).asInt() : 1;
            if (shape.size() > 2) {
                throw new AssertionError(file + " has a parameter of more than two dimensions");
            }
            this.reference = file.at(precision == Precision.DOUBLE ? "/runs/f64" : "/runs/f32");
        }

        /** Whether the file has the state of this parameter: of the first matrix. */
        private boolean hasState() {
            for (int before = 0; before < parameter; before++) {
                if (file.at("/params/" + before + "/shape").size() > 1) {
                    return false;
                }
            }
            return columns > 1 && reference.has("state");
        }

        /** Whether the first factors leave eigenvectors to chance, which must be taken from the file. */
        private boolean isArbitrary() {
            if (!hasState() || !reference.at("/state/1").has("QL")) {
                return false;
            }
            return file.at("/hyper").path("init").asText().equals("kron")
                    || hasClose(reference.at("/state/1/L"), rows)
                    || hasClose(reference.at("/state/1/R"), columns);
        }

        private static boolean hasClose(JsonNode factor, int size) {
            double[] eigenvalues = new double[size];
            try (Matrix matrix = matrix(Precision.DOUBLE, size, size, factor)) {
                matrix.eigenvectors(eigenvalues);
            }
            for (int i = 1; i < size; i++) {
                if (eigenvalues[i - 1] - eigenvalues[i] < LEAST_GAP * eigenvalues[0]) {
                    return true;
                }
            }
            return false;
        }

        void compare() {
            boolean arbitrary = isArbitrary();
            double tolerance = arbitrary && precision == Precision.FLOAT
                    ? GoldenFile.FLOAT_RANK_DEFICIENT_TOLERANCE
                    : file.tolerance(precision);
            try (Optimizer optimizer = create(settings, precision);
                    EigenRefresh refresh = new EigenRefresh(precision)) {
                Memory memory = optimizer.memory(rows, columns);
                Arena arena = new Arena(precision, memory.tensors(), memory.counters());
                LayerState state = new LayerState(arena, "");
                Matrix weights = matrix(precision, rows, columns, file.at("/init/" + parameter));
                JsonNode gradients = file.at("/grads");
                for (int call = 1; call <= gradients.size(); call++) {
                    Matrix gradient = matrix(
                            precision, rows, columns, gradients.get(call - 1).get(parameter));
                    step(optimizer, refresh, call, gradient, weights, state);
                    if (call == 1 && arbitrary) {
                        inject(arena, state);
                    }
                    compareParameters(weights, call, tolerance);
                    // The reference refreshes within the call.
                    refresh(optimizer, refresh, state);
                    if (call >= start()) {
                        install();
                    }
                    if (hasState()) {
                        compareState(arena, call, arbitrary, tolerance);
                    }
                }
                arena.close();
            }
        }

        /** The last step that Shampoo's reference makes without its roots. */
        private int start() {
            return file.at("/hyper").path("start_preconditioning_step").asInt();
        }

        private void step(
                Optimizer optimizer,
                EigenRefresh refresh,
                int call,
                Matrix gradient,
                Matrix weights,
                LayerState state) {
            if (!(optimizer instanceof Shampoo shampoo) || call <= start()) {
                optimizer.step(new LayerGradient(gradient), weights, state);
                return;
            }
            // The reference moves the parameters by the roots that the same call refreshes.
            shampoo.observe(new LayerGradient(gradient), state);
            refresh(shampoo, refresh, state);
            install();
            Matrix before = Samples.as(precision, weights);
            shampoo.advance(gradient, weights, state);
            if (call < settings.get(Knobs.REFRESH_INTERVAL)) {
                // Where it has no roots yet, its direction is zero; ours is that without roots.
                weights.copyFrom(before);
                weights.scale(1 - settings.get(Knobs.LEARNING_RATE) * settings.get(EigenbasisOptimizer.WEIGHT_DECAY));
            }
        }

        private void refresh(Optimizer optimizer, EigenRefresh refresh, LayerState state) {
            List<RefreshTask> due = optimizer.due(state);
            if (!due.isEmpty()) {
                waiting.clear();
            }
            for (RefreshTask task : due) {
                if (optimizer instanceof Shampoo) {
                    condition = Math.max(condition, condition(task.factor(), settings.get(Knobs.EPSILON)));
                }
                Decomposition result = refresh.compute(task);
                Decomposition kept = new Decomposition(
                        result.succeeded(),
                        Samples.as(precision, result.matrix()),
                        result.eigenvalues().clone(),
                        result.permutation().clone());
                waiting.add(() -> optimizer.install(state, task.side(), kept));
            }
        }

        private static double condition(Matrix factor, double shift) {
            double[] eigenvalues = new double[factor.rows()];
            try (Matrix copy = Samples.as(Precision.DOUBLE, factor)) {
                copy.eigenvectors(eigenvalues);
            }
            return (eigenvalues[0] + shift) / (Math.max(0, eigenvalues[eigenvalues.length - 1]) + shift);
        }

        private void install() {
            waiting.forEach(Runnable::run);
            waiting.clear();
        }

        /**
         * What rounding a factor to single precision does to its inverse root: its smallest eigenvalue is off by half a unit in the
         * last place times the condition, and the parameters feel a part of that.
         */
        private double ofRoots() {
            return precision == Precision.DOUBLE ? 0 : Math.min(1e-3, condition * 0x1p-24 / 8);
        }

        private void inject(Arena arena, LayerState state) {
            JsonNode stored = reference.at("/state/1");
            stored.fieldNames().forEachRemaining(name -> {
                if (INJECTED_STATE.containsKey(name)) {
                    Matrix tensor = state.tensor(INJECTED_STATE.get(name));
                    tensor.copyFrom(matrix(precision, tensor.rows(), tensor.columns(), stored.get(name)));
                }
            });
            assertThat(arena.counter("calls")).isEqualTo(1);
        }

        private void compareParameters(Matrix weights, int call, double tolerance) {
            JsonNode expected = reference.at("/after/" + call);
            if (!expected.isMissingNode()) {
                assertThat(relativeError(weights, expected.get(parameter)))
                        .as("parameter %d after call %d of %s", parameter, call, file)
                        .isLessThan(Math.max(tolerance, ofRoots()));
            }
        }

        private void compareState(Arena arena, int call, boolean arbitrary, double tolerance) {
            JsonNode expected = reference.at("/state/" + call);
            expected.fieldNames().forEachRemaining(name -> {
                assertThat(KNOWN_STATE).as("state of %s", file).contains(name);
                if (COMPARED_STATE.containsKey(name) && !(call == 1 && arbitrary)) {
                    String path = "/state/" + call + "/" + name;
                    double allowed =
                            GoldenFile.tolerance(precision, file.at("/runs/f64" + path), file.at("/runs/f32" + path));
                    assertThat(relativeError(arena.tensor(COMPARED_STATE.get(name)), expected.get(name)))
                            .as("%s after call %d of %s", name, call, file)
                            .isLessThan(Math.max(tolerance, allowed));
                }
            });
        }
    }
}
