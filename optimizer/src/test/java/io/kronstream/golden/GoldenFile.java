// SPDX-License-Identifier: Apache-2.0
package io.kronstream.golden;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A file of numbers from an independent implementation, which the file names. The folder is the system property
 * {@code kronstream.golden}, or the copies in the test resources.
 */
public record GoldenFile(String name, JsonNode content) {
    /** Relative error between double-precision runs: independent implementations agree to 1e-12 or better. */
    public static final double DOUBLE_TOLERANCE = 1e-9;

    /** Least relative error to expect between single-precision runs. */
    public static final double FLOAT_TOLERANCE = 1e-5;

    /** Single-precision runs may differ this many times as much as the reference's own two precisions do. */
    public static final double FLOAT_SPREAD = 20;

    /** Relative error of single-precision runs that start from stored rank-deficient factors; 1e-4 was seen. */
    public static final double FLOAT_RANK_DEFICIENT_TOLERANCE = 1e-3;

    public static List<GoldenFile> all() {
        try (Stream<Path> files = Files.list(folder())) {
            return files.filter(file -> file.toString().endsWith(".json"))
                    .sorted()
                    .map(GoldenFile::read)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static List<GoldenFile> ofSchema(String schema) {
        return all().stream().filter(file -> file.schema().equals(schema)).toList();
    }

    public String schema() {
        return content.path("schema").asText("none");
    }

    public JsonNode at(String path) {
        JsonNode node = content.at(path);
        if (node.isMissingNode()) {
            throw new AssertionError(name + " has no " + path);
        }
        return node;
    }

    private static Path folder() {
        String property = System.getProperty("kronstream.golden", "");
        if (!property.isEmpty()) {
            return Path.of(property);
        }
        try {
            return Path.of(GoldenFile.class.getResource("/golden").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static GoldenFile read(Path file) {
        try {
            return new GoldenFile(file.getFileName().toString(), new ObjectMapper().readTree(file.toFile()));
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + file, e);
        }
    }

    /** A flat list, or an object with {@code data}. */
    public static double[] numbers(JsonNode node) {
        JsonNode data = node.isObject() ? node.get("data") : node;
        double[] numbers = new double[data.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = data.get(i).asDouble();
        }
        return numbers;
    }

    public static Matrix matrix(Precision precision, int rows, int columns, JsonNode node) {
        Matrix matrix = Matrix.create(precision, rows, columns);
        double[] numbers = numbers(node);
        if (numbers.length != rows * columns) {
            throw new AssertionError("Expected " + rows + " x " + columns + " numbers, found " + numbers.length);
        }
        matrix.write(0, numbers, 0, numbers.length);
        return matrix;
    }

    /** Largest difference over largest entry of the expected numbers. */
    public static double relativeError(Matrix actual, JsonNode expected) {
        double[] numbers = numbers(expected);
        if (numbers.length != actual.rows() * actual.columns()) {
            throw new AssertionError("Expected " + numbers.length + " numbers, found a " + actual);
        }
        double largest = 0;
        double difference = 0;
        for (int i = 0; i < numbers.length; i++) {
            largest = Math.max(largest, Math.abs(numbers[i]));
            double d = Math.abs(actual.get(i / actual.columns(), i % actual.columns()) - numbers[i]);
            // A NaN is no agreement.
            difference = d <= difference ? difference : d;
        }
        return difference / largest;
    }

    @Override
    public String toString() {
        return name;
    }
}
