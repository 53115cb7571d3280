// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;

/** The speed of a large matrix product in single precision: what all other work is compared with. */
final class MatrixPeak {
    private static final int SIZE = 1024;
    private static final int PRODUCTS = 8;

    private MatrixPeak() {}

    /** GFLOP/s of the fastest of some products. */
    static double measure() {
        try (Matrix a = Matrix.create(Precision.FLOAT, SIZE, SIZE);
                Matrix b = Matrix.create(Precision.FLOAT, SIZE, SIZE);
                Matrix product = Matrix.create(Precision.FLOAT, SIZE, SIZE)) {
            a.fill(0.5);
            b.fill(0.25);
            long fastest = Long.MAX_VALUE;
            for (int i = 0; i < PRODUCTS; i++) {
                long start = System.nanoTime();
                product.multiply(1, a, false, b, false, 0);
                fastest = Math.min(fastest, System.nanoTime() - start);
            }
            return 2.0 * SIZE * SIZE * SIZE / fastest;
        }
    }
}
