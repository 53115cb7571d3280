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
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;

/**
 * A file of numbers from an independent implementation, which the file names. The folder is the system property
 * {@code kronstream.golden}, absolute or from the root of the repository, or the copies in the test resources. A folder
 * need not have files of every schema; one without any file is an error.
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

    /** One test for each file of a schema, in the order of their names; none if the folder has none. */
    public static Stream<DynamicTest> tests(String schema, Consumer<GoldenFile> test) {
        return tests(schema, file -> true, test);
    }

    /** The same for those of a schema that another test does not take. */
    public static Stream<DynamicTest> tests(String schema, Predicate<GoldenFile> taken, Consumer<GoldenFile> test) {
        return all().stream()
                .filter(file -> file.schema().equals(schema) && taken.test(file))
                .map(file -> DynamicTest.dynamicTest(file.name, () -> test.accept(file)));
    }

    /** Runs a part of a file's test for both precisions, and tells what is wrong with either. */
    public void inBothPrecisions(Consumer<Precision> test) {
        Assertions.assertAll(
                name,
                Arrays.stream(Precision.values())
                        .map(precision -> () -> Assertions.assertAll(precision.name(), () -> test.accept(precision))));
    }

    /** The fields of an object in the file, each of which has to be read. */
    public GoldenFields fields(String path) {
        return new GoldenFields(name + " " + path, at(path));
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

    /**
     * Relative error that a run may have, of the two that the file holds: in double precision, or in single, where it may
     * be some times what the reference's own two runs differ by.
     */
    public double tolerance(Precision precision) {
        if (precision == Precision.DOUBLE) {
            return DOUBLE_TOLERANCE;
        }
        JsonNode spread = content.path("f32_vs_f64_max_rel");
        double stored = spread.isNumber() ? spread.asDouble() : spread(at("/runs/f64/after"), at("/runs/f32/after"));
        return Math.max(FLOAT_TOLERANCE, FLOAT_SPREAD * stored);
    }

    /** The same of some tensor beside the parameters, such as an optimizer's state. */
    public static double tolerance(Precision precision, JsonNode inDouble, JsonNode inFloat) {
        return precision == Precision.DOUBLE
                ? DOUBLE_TOLERANCE
                : Math.max(FLOAT_TOLERANCE, FLOAT_SPREAD * spread(inDouble, inFloat));
    }

    /** Largest difference over largest entry, of the worst tensor in two trees of one form. */
    private static double spread(JsonNode a, JsonNode b) {
        boolean tensor = a.isArray() && a.size() > 0 && a.get(0).isNumber() || a.has("data");
        if (tensor) {
            double[] x = numbers(a);
            double[] y = numbers(b);
            double largest = 0;
            double difference = 0;
            for (int i = 0; i < x.length; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
                difference = Math.max(difference, Math.abs(x[i] - y[i]));
            }
            return largest == 0 ? 0 : difference / largest;
        }
        double worst = 0;
        for (Iterator<String> names = a.fieldNames(); names.hasNext(); ) {
            String field = names.next();
            worst = Math.max(worst, spread(a.get(field), b.get(field)));
        }
        for (int i = 0; i < (a.isArray() ? a.size() : 0); i++) {
            worst = Math.max(worst, spread(a.get(i), b.get(i)));
        }
        return worst;
    }

    private static Path folder() {
        String property = System.getProperty("kronstream.golden", "");
        if (!property.isEmpty()) {
            return Path.of(System.getProperty("kronstream.root", "")).resolve(property);
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
        return largest == 0 ? difference : difference / largest;
    }

    @Override
    public String toString() {
        return name;
    }
}
