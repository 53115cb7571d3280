// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.SplitMix64;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The product with the Hessian against the difference of two gradients. */
class HessianProductTest {
    private static final int ROWS = 6;
    private static final int INPUTS = 4;
    private static final double STEP = 1e-5;

    /** Of the difference of gradients, whose error is of the order of the step's square. */
    private static final double TOLERANCE = 1e-7;

    static Stream<Arguments> networks() {
        List<List<LayerSpec>> layers = new ArrayList<>();
        for (Activation activation : Activation.values()) {
            layers.add(LayerSpec.hidden(List.of(5, 3), activation));
        }
        LayerSpec norm = new LayerSpec.Norm();
        LayerSpec gelu = new LayerSpec.Activate(Activation.GELU);
        LayerSpec tanh = new LayerSpec.Activate(Activation.TANH);
        layers.add(List.of());
        layers.add(List.of(new LayerSpec.Dense(5), norm, gelu, new LayerSpec.Dense(3), tanh, norm));
        layers.add(List.of(norm, tanh, new LayerSpec.Dense(4), tanh));
        return Stream.of(
                        Loss.MEAN_SQUARED_ERROR,
                        Loss.BINARY_CROSS_ENTROPY,
                        Loss.SOFTMAX_CROSS_ENTROPY,
                        Loss.POISSON,
                        Loss.quantile(0.3))
                .flatMap(loss -> layers.stream().map(specs -> Arguments.of(specs, loss)));
    }

    @ParameterizedTest
    @MethodSource("networks")
    void equalsTheDifferenceOfGradients(List<LayerSpec> layers, Loss loss) {
        int outputs = loss == Loss.SOFTMAX_CROSS_ENTROPY ? 3 : 2;
        Architecture architecture = new Architecture(INPUTS, List.of(), List.of(), layers, outputs, loss);
        Random random = new Random(3);
        try (Network network = new Network(Precision.DOUBLE, architecture, ROWS + 2)) {
            List<Matrix> parameters = new ArrayList<>();
            for (LayerShape shape : shapes(network)) {
                parameters.add(Samples.normal(Precision.DOUBLE, shape.rows(), shape.columns(), 0.7, random));
            }
            for (int row = 0; row < ROWS; row++) {
                float[] features = new float[INPUTS];
                for (int j = 0; j < INPUTS; j++) {
                    features[j] = (float) random.nextGaussian();
                }
                network.setInput(row, features);
            }
            double[] targets = new double[ROWS * outputs];
            for (int i = 0; i < targets.length; i++) {
                targets[i] = random.nextInt(2);
            }
            gradients(network, parameters, targets);
            network.backwardHessian(parameters, new SplitMix64(5), ROWS);
            List<Matrix> products = new ArrayList<>();
            for (int layer = 0; layer < parameters.size(); layer++) {
                products.add(
                        Samples.as(Precision.DOUBLE, gradient(network, layer).hessianProduct()));
            }
            List<Matrix> directions = network.hessianDirections();
            List<Matrix> ahead = gradients(network, moved(parameters, directions, STEP), targets);
            List<Matrix> behind = gradients(network, moved(parameters, directions, -STEP), targets);

            double largest = 1e-3;
            for (Matrix product : products) {
                largest = Math.max(largest, product.norm());
            }
            for (int layer = 0; layer < parameters.size(); layer++) {
                Matrix difference = ahead.get(layer);
                difference.combine(-1 / (2 * STEP), behind.get(layer), 1 / (2 * STEP));
                difference.combine(-1, products.get(layer), 1);
                assertThat(difference.norm()).as("layer %d", layer).isLessThan(TOLERANCE * largest);
            }
        }
    }

    private static List<LayerShape> shapes(Network network) {
        List<LayerShape> shapes = new ArrayList<>(network.shapes());
        shapes.addAll(network.norms());
        return shapes;
    }

    private static List<Matrix> moved(List<Matrix> parameters, List<Matrix> directions, double step) {
        List<Matrix> moved = new ArrayList<>();
        for (int layer = 0; layer < parameters.size(); layer++) {
            Matrix matrix = Samples.as(Precision.DOUBLE, parameters.get(layer));
            matrix.combine(step, directions.get(layer), 1);
            moved.add(matrix);
        }
        return moved;
    }

    private static List<Matrix> gradients(Network network, List<Matrix> parameters, double[] targets) {
        network.forward(parameters, ROWS);
        network.backward(parameters, targets, ROWS);
        List<Matrix> gradients = new ArrayList<>();
        for (int layer = 0; layer < parameters.size(); layer++) {
            gradients.add(Samples.as(Precision.DOUBLE, gradient(network, layer).gradient()));
        }
        return gradients;
    }

    private static LayerGradient gradient(Network network, int layer) {
        int dense = network.shapes().size();
        return layer < dense ? network.gradient(layer) : network.normGradient(layer - dense);
    }
}
