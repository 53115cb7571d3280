// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.streams;

import io.kronstream.learner.DataSchema;
import io.kronstream.learner.SplitMix64;
import io.kronstream.learner.Task;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A slowly rotating hyperplane over strongly correlated inputs. With {@code u} uniform in [-1, 1]^20 the inputs are
 * {@code x_1 = u_1, x_j = 0.95 x_(j-1) + sqrt(1 - 0.95^2) u_j}, the label is {@code w . u > 0} with 5 % flipped, and
 * {@code w} turns at constant speed in a plane drawn at random, once around in {@value #TURN} examples. The labels are
 * balanced. First-order learners are slow here: the inputs' covariance is badly conditioned.
 *
 * <p>Departs from the usual rotating hyperplane (Hulten, Spencer and Domingos, "Mining time-changing data streams", KDD
 * 2001) in the correlation of the inputs and in the drift, which is a rotation instead of independent steps per weight.
 */
final class HyperplaneStream implements BuiltInStream {
    static final int INPUTS = 20;
    static final int TURN = 1_000_000;
    static final double CORRELATION = 0.95;
    static final double INNOVATION = Math.sqrt(1 - CORRELATION * CORRELATION);
    static final double FLIPPED = 0.05;

    private final DataSchema schema;

    HyperplaneStream() {
        List<String> inputs =
                IntStream.rangeClosed(1, INPUTS).mapToObj(i -> "x" + i).toList();
        List<String> columns = new ArrayList<>(List.of("time"));
        columns.addAll(inputs);
        columns.add("label");
        this.schema = DataSchema.builder(columns, Task.BINARY, "label")
                .numeric(inputs)
                .time("time")
                .build();
    }

    @Override
    public String name() {
        return "hyperplane";
    }

    @Override
    public DataSchema schema() {
        return schema;
    }

    @Override
    public double bestAccuracy() {
        return 1 - FLIPPED;
    }

    @Override
    public Iterator<String> rows(long seed) {
        SplitMix64 inputs = new SplitMix64(seed, "inputs");
        SplitMix64 noise = new SplitMix64(seed, "noise");
        Plane plane = new Plane(seed);
        Row row = new Row();
        long[] index = {0};
        return Stream.generate(() -> {
                    row.start(index[0]);
                    double[] w = plane.weights(index[0]);
                    index[0]++;
                    double x = 0;
                    double margin = 0;
                    for (int j = 0; j < INPUTS; j++) {
                        double u = 2 * inputs.nextDouble() - 1;
                        x = j == 0 ? u : CORRELATION * x + INNOVATION * u;
                        margin += w[j] * u;
                        row.number(Math.round(x * Row.SCALE));
                    }
                    return row.label(margin > 0 ^ noise.nextDouble() < FLIPPED);
                })
                .iterator();
    }

    /** The plane that the weights turn in, spanned by two orthonormal vectors. */
    static final class Plane {
        private final double[] first = new double[INPUTS];
        private final double[] second = new double[INPUTS];

        Plane(long seed) {
            SplitMix64 random = new SplitMix64(seed, "weights");
            for (int j = 0; j < INPUTS; j++) {
                first[j] = 2 * random.nextDouble() - 1;
                second[j] = 2 * random.nextDouble() - 1;
            }
            addMultiple(first, -1 + 1 / Math.sqrt(dot(first, first)), first);
            addMultiple(second, -dot(first, second), first);
            addMultiple(second, -1 + 1 / Math.sqrt(dot(second, second)), second);
        }

        /** The unit weight vector that labels example number {@code index}, from 0. */
        double[] weights(long index) {
            double angle = 2 * Math.PI * (index % TURN) / TURN;
            double cosine = StrictMath.cos(angle);
            double sine = StrictMath.sin(angle);
            double[] w = new double[INPUTS];
            for (int j = 0; j < INPUTS; j++) {
                w[j] = cosine * first[j] + sine * second[j];
            }
            return w;
        }

        private static void addMultiple(double[] target, double factor, double[] source) {
            for (int j = 0; j < target.length; j++) {
                target[j] += factor * source[j];
            }
        }

        private static double dot(double[] a, double[] b) {
            double sum = 0;
            for (int j = 0; j < a.length; j++) {
                sum += a[j] * b[j];
            }
            return sum;
        }
    }
}
