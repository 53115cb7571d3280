// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.golden.GoldenFields;
import io.kronstream.golden.GoldenFile;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** AdaFisher's factors of every kind of layer, from its authors' code. */
class DiagonalFactorsGoldenTest {
    /** The optimizer's own, in the authors' code. */
    private static final double RANGE_EPSILON = 1e-6;

    @TestFactory
    Stream<DynamicTest> factorsEqualTheAuthors() {
        return GoldenFile.tests("adafisher-factors/1", DiagonalFactorsGoldenTest::compare);
    }

    private static void compare(GoldenFile file) {
        for (int i = 0; i < file.at("/items").size(); i++) {
            JsonNode item = file.at("/items/" + i);
            GoldenFields fields = file.fields("/items/" + i);
            fields.passOver("input", "grad_output", "H", "S", "note");
            String layer = fields.text("layer");
            if (layer.equals("conv2d")) {
                fields.passOver("kernel", "stride", "padding");
            }
            if (layer.equals("minmax")) {
                fields.passOver("output", "tiny_input", "tiny_output");
            }
            fields.assertAllRead();
            switch (layer) {
                case "conv2d" -> convolution(item);
                case "batchnorm2d" -> {
                    int[] shape = shape(item.get("input"));
                    compare(
                            item,
                            DiagonalFactors.batchNorm(
                                    numbers(item, "input"),
                                    numbers(item, "grad_output"),
                                    shape[0],
                                    shape[1],
                                    shape[2] * shape[3]));
                }
                case "layernorm" -> {
                    int[] shape = shape(item.get("input"));
                    compare(
                            item,
                            DiagonalFactors.layerNorm(
                                    numbers(item, "input"),
                                    numbers(item, "grad_output"),
                                    shape[0],
                                    shape[1],
                                    shape[2]));
                }
                case "linear_3d" -> sequence(item);
                case "minmax" -> {
                    scaled(item, "input", "output");
                    scaled(item, "tiny_input", "tiny_output");
                }
                default -> throw new AssertionError(file + " has a layer that no rule is tested with: " + layer);
            }
        }
    }

    private static void convolution(JsonNode item) {
        int[] input = shape(item.get("input"));
        int[] output = shape(item.get("grad_output"));
        DiagonalFactors.Convolution shape = new DiagonalFactors.Convolution(
                input[0],
                input[1],
                input[2],
                input[3],
                output[1],
                item.get("kernel").get(0).asInt(),
                item.get("kernel").get(1).asInt(),
                item.get("stride").get(0).asInt(),
                item.get("stride").get(1).asInt(),
                item.get("padding").get(0).asInt(),
                item.get("padding").get(1).asInt());
        DiagonalFactors factors =
                DiagonalFactors.convolution(numbers(item, "input"), numbers(item, "grad_output"), shape);
        // What the authors' code does beyond the paper.
        double[] inputs = Arrays.stream(factors.inputs())
                .map(h -> h / shape.patchLength())
                .toArray();
        compare(item, inputs, factors.outputs());
    }

    private static void sequence(JsonNode item) {
        int[] input = shape(item.get("input"));
        int outputs = shape(item.get("grad_output"))[2];
        int rows = input[0] * input[1];
        double[] x = numbers(item, "input");
        double[] q = numbers(item, "grad_output");
        Matrix activations = Matrix.create(Precision.DOUBLE, rows, input[2] + 1);
        Matrix gradients = Matrix.create(Precision.DOUBLE, rows, outputs);
        for (int row = 0; row < rows; row++) {
            activations.write(row * (input[2] + 1), x, row * input[2], input[2]);
            activations.set(row, input[2], 1);
        }
        gradients.write(0, q, 0, q.length);
        DiagonalFactors all = DiagonalFactors.dense(activations, gradients);
        compare(item, all);
        int part = rows / 3;
        DiagonalFactors together = DiagonalFactors.dense(activations.topRows(part), gradients.topRows(part))
                .add(DiagonalFactors.dense(rest(activations, part), rest(gradients, part)));
        compare(item, together);
    }

    private static Matrix rest(Matrix all, int from) {
        Matrix rest = Matrix.create(Precision.DOUBLE, all.rows() - from, all.columns());
        double[] row = new double[all.columns()];
        for (int i = from; i < all.rows(); i++) {
            all.read(i * row.length, row, 0, row.length);
            rest.write((i - from) * row.length, row, 0, row.length);
        }
        return rest;
    }

    private static void scaled(JsonNode item, String input, String output) {
        double[] x = numbers(item, input);
        DiagonalFactors.normalise(x, RANGE_EPSILON);
        close(x, numbers(item, output), input);
    }

    private static void compare(JsonNode item, DiagonalFactors factors) {
        compare(item, factors.inputs(), factors.outputs());
    }

    private static void compare(JsonNode item, double[] h, double[] s) {
        close(h, numbers(item, "H"), item.get("layer").asText() + " H");
        close(s, numbers(item, "S"), item.get("layer").asText() + " S");
    }

    private static void close(double[] actual, double[] expected, String what) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < expected.length; i++) {
            assertThat(Math.abs(actual[i] - expected[i]))
                    .as("%s, %d", what, i)
                    .isLessThanOrEqualTo(GoldenFile.DOUBLE_TOLERANCE * largest);
        }
    }

    private static double[] numbers(JsonNode item, String name) {
        return GoldenFile.numbers(item.get(name));
    }

    private static int[] shape(JsonNode node) {
        int[] shape = new int[node.get("shape").size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = node.get("shape").get(i).asInt();
        }
        return shape;
    }
}
