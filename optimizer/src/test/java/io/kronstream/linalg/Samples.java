// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import java.util.Random;

/** Seeded matrices for tests. */
public final class Samples {
    private Samples() {}

    /** Independent normal entries, rounded to single precision so that both precisions hold the same numbers. */
    public static Matrix normal(Precision precision, int rows, int columns, double scale, Random random) {
        Matrix matrix = Matrix.create(precision, rows, columns);
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        matrix.write(0, values, 0, values.length);
        return matrix;
    }

    /** The same numbers in the other precision. */
    public static Matrix as(Precision precision, Matrix matrix) {
        Matrix copy = Matrix.create(precision, matrix.rows(), matrix.columns());
        copy.copyFrom(matrix);
        return copy;
    }

    /** Largest difference over the largest entry of the expected matrix. */
    public static double relativeError(Matrix actual, Matrix expected) {
        double largest = Double.MIN_NORMAL;
        double difference = 0;
        for (int i = 0; i < expected.rows(); i++) {
            for (int j = 0; j < expected.columns(); j++) {
                largest = Math.max(largest, Math.abs(expected.get(i, j)));
                double d = Math.abs(actual.get(i, j) - expected.get(i, j));
                difference = d <= difference ? difference : d;
            }
        }
        return difference / largest;
    }
}
