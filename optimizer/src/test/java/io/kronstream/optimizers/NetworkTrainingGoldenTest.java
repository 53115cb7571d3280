// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
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
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Loss, parameters and state of each optimizer that trains the file's network, one mini-batch after the other. */
class NetworkTrainingGoldenTest {
    /** Names in the files, and here. */
    private static final Map<String, String> COMPARED_STATE = Map.of("H", "inputFactor", "S", "outputFactor");

    /** The same of state that the reference updates in place: the files show that of the last call for every call. */
    private static final Map<String, String> COMPARED_LAST_STATE = Map.of("a", "inputMean", "g", "outputMean");

    /** Not all files hold both precisions. */
    static Stream<Arguments> cases() {
        return GoldenFile.ofSchema("mlp-train/1").stream().flatMap(file -> Arrays.stream(Precision.values())
                .filter(precision -> file.at("/runs").has(run(precision)))
                .map(precision -> Arguments.of(file, precision)));
    }

    private static String run(Precision precision) {
        return precision == Precision.DOUBLE ? "f64" : "f32";
    }

    @ParameterizedTest
    @MethodSource("cases")
    void training(GoldenFile file, Precision precision) {
        OptimizerSettings settings = settings(file);
        assumeTrue(settings != null, "no optimizer here is " + file.at("/optimizer"));
        try (Run run = new Run(file, precision, settings)) {
            run.compare();
        }
    }

    /** What the file's reference was run with; null if there is no such optimizer here. */
    private static OptimizerSettings settings(GoldenFile file) {
        JsonNode hyper = file.at("/hyper");
        String optimizer = file.at("/optimizer").asText();
        if (optimizer.startsWith("adafisher_code")) {
            return adaFisherCode("adafisher-code", hyper);
        }
        if (optimizer.startsWith("adafisherw_code")) {
            return adaFisherCode("adafisherw-code", hyper);
        }
        if (optimizer.equals("AdaFisherW, paper form")) {
            double gamma = hyper.get("gamma").asDouble();
            return adaFisher("adafisherw", hyper)
                    .with(AdaFisher.DAMPING, hyper.get("damping").asDouble())
                    .with(AdaFisher.FACTOR_INTERVAL, 1)
                    .with(AdaFisher.OLD_WEIGHT, 1 - gamma)
                    .with(AdaFisher.NEW_WEIGHT, gamma);
        }
        if (optimizer.equals("adahessian")) {
            return adaHessian(hyper);
        }
        if (optimizer.startsWith("eva")) {
            return OptimizerSettings.defaults("eva")
                    .with(Knobs.LEARNING_RATE, hyper.get("lr").asDouble())
                    .with(SGD.MOMENTUM, hyper.get("momentum").asDouble())
                    .with(Eva.DAMPING, hyper.get("damping").asDouble())
                    .with(Eva.NEW_WEIGHT, hyper.get("factor_decay").asDouble())
                    .with(Eva.EXAMPLES, hyper.get("kfac_batch_size").asInt())
                    .with(Eva.KL_CLIP, hyper.get("kl_clip").asDouble());
        }
        return null;
    }

    private static OptimizerSettings adaHessian(JsonNode hyper) {
        return OptimizerSettings.defaults("adahessian")
                .with(Knobs.LEARNING_RATE, hyper.get("lr").asDouble())
                .with(Knobs.BETA1, hyper.at("/betas/0").asDouble())
                .with(Knobs.BETA2, hyper.at("/betas/1").asDouble())
                .with(Knobs.EPSILON, hyper.get("eps").asDouble())
                .with(AdaHessian.POWER, hyper.get("hessian_power").asDouble())
                .with(AdamW.WEIGHT_DECAY, hyper.get("weight_decay").asDouble());
    }

    private static OptimizerSettings adaFisherCode(String name, JsonNode hyper) {
        double gamma = hyper.get("gamma").asDouble();
        return adaFisher(name, hyper)
                .with(AdaFisher.DAMPING, hyper.get("Lambda").asDouble())
                .with(AdaFisher.FACTOR_INTERVAL, hyper.get("TCov").asInt())
                .with(AdaFisher.OLD_WEIGHT, 0.1 * gamma)
                .with(AdaFisher.NEW_WEIGHT, 0.01 * gamma);
    }

    private static OptimizerSettings adaFisher(String name, JsonNode hyper) {
        return OptimizerSettings.defaults(name)
                .with(Knobs.LEARNING_RATE, hyper.get("lr").asDouble())
                .with(Knobs.BETA1, hyper.get("beta").asDouble())
                .with(Adam.WEIGHT_DECAY, hyper.get("weight_decay").asDouble());
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
            this.reference = file.at("/runs/" + run(precision));
            this.tolerance = precision == Precision.DOUBLE ? GoldenFile.DOUBLE_TOLERANCE : floatTolerance(file);
            this.optimizer = Optimizers.create(settings, precision);
            this.problem = new TrainingProblem(file, precision);
            for (Matrix weights : problem.parameters()) {
                Memory memory = optimizer.memory(weights.rows(), weights.columns());
                arenas.add(new Arena(precision, memory.tensors(), memory.counters()));
            }
        }

        private static double floatTolerance(GoldenFile file) {
            double spread = file.content().path("f32_vs_f64_max_rel").asDouble(0);
            return Math.max(GoldenFile.FLOAT_TOLERANCE, GoldenFile.FLOAT_SPREAD * spread);
        }

        void compare() {
            for (int call = 1; call <= problem.batches(); call++) {
                double loss = problem.backward(call - 1);
                double expected = reference.get("loss").get(call - 1).asDouble();
                assertThat(loss)
                        .as("loss before call %d", call)
                        .isCloseTo(expected, within(tolerance * Math.abs(expected)));
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
                for (int layer = 0; layer < arenas.size() && names.containsKey(name); layer++) {
                    Matrix tensor = arenas.get(layer).tensor(names.get(name));
                    assertThat(GoldenFile.relativeError(tensor, state.get(name).get(layer)))
                            .as("%s of layer %d after call %d in %s", name, layer, call, file)
                            .isLessThan(tolerance);
                }
            });
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
