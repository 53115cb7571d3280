// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.golden.GoldenFields;
import io.kronstream.golden.GoldenFile;
import io.kronstream.golden.TrainingProblem;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import io.kronstream.network.Noise;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Loss, parameters and state of each optimizer that trains the file's network, one mini-batch after the other. */
class NetworkTrainingGoldenTest {
    /** Names in the files, and here. */
    private static final Map<String, String> COMPARED_STATE = Map.of("H", "inputFactor", "S", "outputFactor");

    /** The same of state that the reference updates in place: the files show that of the last call for every call. */
    private static final Map<String, String> COMPARED_LAST_STATE = Map.of("a", "inputMean", "g", "outputMean");

    /** Of those that K-FAC does not take; not all hold both precisions. */
    @TestFactory
    Stream<DynamicTest> training() {
        return GoldenFile.tests("mlp-train/1", file -> !KFACGoldenTest.takes(file), NetworkTrainingGoldenTest::compare);
    }

    private static void compare(GoldenFile file) {
        OptimizerSettings settings = settings(file);
        GoldenFields runs = file.fields("/runs");
        assertThat(runs.has("f64")).isTrue();
        boolean inFloat = runs.has("f32");
        runs.assertAllRead();
        file.inBothPrecisions(precision -> {
            if (precision == Precision.DOUBLE || inFloat) {
                try (Run run = new Run(file, precision, settings)) {
                    run.compare();
                }
            }
        });
    }

    /** What the file's reference was run with. */
    private static OptimizerSettings settings(GoldenFile file) {
        GoldenFields hyper = file.fields("/hyper");
        OptimizerSettings settings =
                settings(file.at("/optimizer").asText().toLowerCase(Locale.ROOT).split("[_,]"), hyper);
        hyper.assertAllRead();
        return settings;
    }

    /** The first word is the optimizer's name, the second whose form it has. */
    private static OptimizerSettings settings(String[] words, GoldenFields hyper) {
        return switch (words[0]) {
            case "adafisher", "adafisherw" -> words.length > 1
                            && words[1].strip().startsWith("paper")
                    ? adaFisherPaper(words[0], hyper)
                    : adaFisherCode(words[0] + "-code", hyper);
            case "adahessian" -> adaHessian(hyper);
            case "eva" -> eva(hyper);
            default -> throw new AssertionError("No optimizer here is " + words[0]);
        };
    }

    private static OptimizerSettings eva(GoldenFields hyper) {
        return OptimizerSettings.defaults("eva")
                .with(Knobs.LEARNING_RATE, hyper.number("lr"))
                .with(SGD.MOMENTUM, hyper.number("momentum"))
                .with(Eva.DAMPING, hyper.number("damping"))
                .with(Eva.NEW_WEIGHT, hyper.number("factor_decay"))
                .with(Eva.EXAMPLES, hyper.count("kfac_batch_size"))
                .with(Eva.KL_CLIP, hyper.number("kl_clip", 0));
    }

    private static OptimizerSettings adaHessian(GoldenFields hyper) {
        return OptimizerSettings.defaults("adahessian")
                .with(Knobs.LEARNING_RATE, hyper.number("lr"))
                .with(Knobs.BETA1, hyper.get("betas").get(0).asDouble())
                .with(Knobs.BETA2, hyper.get("betas").get(1).asDouble())
                .with(Knobs.EPSILON, hyper.number("eps"))
                .with(AdaHessian.POWER, hyper.number("hessian_power"))
                .with(AdamW.WEIGHT_DECAY, hyper.number("weight_decay"));
    }

    private static OptimizerSettings adaFisherPaper(String name, GoldenFields hyper) {
        double gamma = hyper.number("gamma");
        return adaFisher(name, hyper)
                .with(AdaFisher.DAMPING, hyper.number("damping"))
                .with(AdaFisher.FACTOR_INTERVAL, hyper.has("TCov") ? hyper.count("TCov") : 1)
                .with(AdaFisher.OLD_WEIGHT, 1 - gamma)
                .with(AdaFisher.NEW_WEIGHT, gamma);
    }

    private static OptimizerSettings adaFisherCode(String name, GoldenFields hyper) {
        double gamma = hyper.number("gamma");
        return adaFisher(name, hyper)
                .with(AdaFisher.DAMPING, hyper.number("Lambda"))
                .with(AdaFisher.FACTOR_INTERVAL, hyper.count("TCov"))
                .with(AdaFisher.OLD_WEIGHT, 0.1 * gamma)
                .with(AdaFisher.NEW_WEIGHT, 0.01 * gamma);
    }

    private static OptimizerSettings adaFisher(String name, GoldenFields hyper) {
        return OptimizerSettings.defaults(name)
                .with(Knobs.LEARNING_RATE, hyper.number("lr"))
                .with(Knobs.BETA1, hyper.number("beta"))
                .with(Adam.WEIGHT_DECAY, hyper.number("weight_decay"));
    }

    private static final class Run implements AutoCloseable {
        private final GoldenFile file;
        private final Precision precision;
        private final JsonNode reference;
        private final double tolerance;
        private final Optimizer optimizer;
        private final TrainingProblem problem;
        private final List<Arena> arenas = new ArrayList<>();

        Run(GoldenFile file, Precision precision, OptimizerSettings settings) {
            this.file = file;
            this.precision = precision;
            this.reference = file.at(precision == Precision.DOUBLE ? "/runs/f64" : "/runs/f32");
            this.tolerance = file.tolerance(precision);
            this.optimizer = Optimizers.create(settings, precision);
            this.problem = new TrainingProblem(file, precision);
            for (Matrix weights : problem.parameters()) {
                Memory memory = optimizer.memory(weights.rows(), weights.columns());
                arenas.add(new Arena(precision, memory.tensors(), memory.counters()));
            }
        }

        void compare() {
            for (int call = 1; call <= problem.batches(); call++) {
                double loss = problem.backward(call - 1);
                double expected = reference.get("loss").get(call - 1).asDouble();
                assertThat(loss).as("loss before call %d", call).isCloseTo(expected, within(tolerance * largestLoss()));
                if (optimizer.wantsHessian()) {
                    multiplyByHessian(call - 1);
                }
                optimizer.step(
                        IntStream.range(0, arenas.size())
                                .mapToObj(problem.network()::gradient)
                                .toList(),
                        problem.parameters(),
                        arenas.stream().map(arena -> new LayerState(arena, "")).toList());
                compareParameters(call);
                compareState(call);
            }
        }

        private double largestLoss() {
            return Arrays.stream(GoldenFile.numbers(reference.get("loss")))
                    .map(Math::abs)
                    .max()
                    .orElseThrow();
        }

        /** With the signs of the file, and compared with its product. */
        private void multiplyByHessian(int batch) {
            JsonNode signs = file.at("/rademacher/" + batch);
            List<Double> drawn = new ArrayList<>();
            for (int layer = 0; layer < arenas.size(); layer++) {
                Matrix weights = problem.parameters().get(layer);
                Matrix direction = TrainingProblem.augmented(
                        precision, weights.rows(), weights.columns(), signs.get(2 * layer), signs.get(2 * layer + 1));
                for (int i = 0; i < weights.rows(); i++) {
                    for (int j = 0; j < weights.columns(); j++) {
                        drawn.add(direction.get(i, j));
                    }
                }
            }
            Iterator<Double> next = drawn.iterator();
            problem.network()
                    .backwardHessian(
                            problem.parameters(),
                            new Signs(next),
                            problem.network().gradient(0).batch());
            JsonNode products = file.at("/hv/" + batch);
            for (int layer = 0; layer < arenas.size(); layer++) {
                Matrix product = problem.network().gradient(layer).hessianProduct();
                Matrix expected = TrainingProblem.augmented(
                        precision,
                        product.rows(),
                        product.columns(),
                        products.get(2 * layer),
                        products.get(2 * layer + 1));
                assertThat(Samples.relativeError(product, expected))
                        .as("H z of layer %d at call %d", layer, batch + 1)
                        .isLessThan(tolerance);
            }
        }

        private void compareParameters(int call) {
            JsonNode after = reference.at("/after/" + call);
            for (int layer = 0; layer < arenas.size() && !after.isMissingNode(); layer++) {
                Matrix weights = problem.parameters().get(layer);
                Matrix expected = expected(after, layer, weights.rows(), weights.columns());
                assertThat(Samples.relativeError(weights, expected))
                        .as("layer %d after call %d", layer, call)
                        .isLessThan(tolerance);
            }
        }

        /** Stored as {@code [W | b]} of each layer, or as W and b of each layer one after the other. */
        private Matrix expected(JsonNode after, int layer, int rows, int columns) {
            return after.size() == arenas.size()
                    ? GoldenFile.matrix(precision, rows, columns, after.get(layer))
                    : TrainingProblem.augmented(
                            precision, rows, columns, after.get(2 * layer), after.get(2 * layer + 1));
        }

        private void compareState(int call) {
            JsonNode state = reference.at("/state/" + call);
            compareState(state, COMPARED_STATE, call);
            if (call == problem.batches()) {
                compareState(state, COMPARED_LAST_STATE, call);
            }
        }

        private void compareState(JsonNode state, Map<String, String> names, int call) {
            state.fieldNames().forEachRemaining(name -> {
                assertThat(COMPARED_STATE.containsKey(name) || COMPARED_LAST_STATE.containsKey(name))
                        .as("a test reads '%s' of the state in %s", name, file)
                        .isTrue();
                for (int layer = 0; layer < arenas.size() && names.containsKey(name); layer++) {
                    Matrix tensor = arenas.get(layer).tensor(names.get(name));
                    assertThat(GoldenFile.relativeError(tensor, state.get(name).get(layer)))
                            .as("%s of layer %d after call %d in %s", name, layer, call, file)
                            .isLessThan(Math.max(tolerance, stateTolerance(call, name)));
                }
            });
        }

        private double stateTolerance(int call, String name) {
            String path = "/state/" + call + "/" + name;
            return precision == Precision.DOUBLE
                    ? GoldenFile.DOUBLE_TOLERANCE
                    : GoldenFile.tolerance(precision, file.at("/runs/f64" + path), file.at("/runs/f32" + path));
        }

        @Override
        public void close() {
            optimizer.close();
            problem.close();
            arenas.forEach(Arena::close);
        }
    }

    /** Given signs, as uniform numbers in the half that stands for them. */
    private record Signs(Iterator<Double> signs) implements Noise {
        @Override
        public double nextDouble() {
            return signs.next() < 0 ? 0.25 : 0.75;
        }

        @Override
        public double nextNormal() {
            throw new UnsupportedOperationException("Signs are no normal numbers");
        }
    }
}
