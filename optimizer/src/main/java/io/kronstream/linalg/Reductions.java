// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

/** Sums over all elements in one fixed order. */
final class Reductions {
    private Reductions() {}

    /** Below and above these, products may have left the range of a float. */
    private static final double SMALLEST_SAFE = 1e-24;

    private static final double LARGEST_SAFE = 1e36;

    /**
     * Products are summed pairwise in single precision inside a tile and in double over tiles, which vectorises; where
     * that might have under- or overflowed, again in double throughout.
     */
    static double dot(Matrix x, Matrix y) {
        if (x.precision() != y.precision()) {
            throw new IllegalArgumentException("An inner product must not mix precisions");
        }
        if (x.precision() == Precision.DOUBLE) {
            return sum(x, y, Reductions::doubles);
        }
        double fast = sum(x, y, Reductions::pairwise);
        double size = Math.abs(fast);
        return size >= SMALLEST_SAFE && size <= LARGEST_SAFE ? fast : sum(x, y, Reductions::wide);
    }

    private interface TileSum {
        double of(Matrix x, int xStart, Matrix y, int yStart, int length);
    }

    private static double sum(Matrix x, Matrix y, TileSum tileSum) {
        boolean contiguous = x.contiguous() && y.contiguous();
        int runs = contiguous ? 1 : x.rows();
        int length = contiguous ? x.rows() * x.columns() : x.columns();
        double sum = 0;
        for (int run = 0; run < runs; run++) {
            for (int start = 0; start < length; start += Elementwise.TILE) {
                int size = Math.min(Elementwise.TILE, length - start);
                sum += tileSum.of(x, x.rowStart(run) + start, y, y.rowStart(run) + start, size);
            }
        }
        return sum;
    }

    private static double pairwise(Matrix x, int xStart, Matrix y, int yStart, int length) {
        float[][] tiles = Elementwise.floatTiles();
        float[] a = tiles[0];
        ((FloatMatrix) x).readRun(xStart, a, length);
        float[] b = a;
        if (x != y) {
            b = tiles[1];
            ((FloatMatrix) y).readRun(yStart, b, length);
        }
        float[] product = tiles[2];
        for (int i = 0; i < length; i++) {
            product[i] = a[i] * b[i];
        }
        // From tile to tile, so that no loop reads what it writes.
        float[] sums = tiles[3];
        int count = length;
        while (count > 8) {
            int half = count / 2;
            for (int i = 0; i < half; i++) {
                sums[i] = product[i] + product[i + half];
            }
            if ((count & 1) == 1) {
                sums[0] += product[count - 1];
            }
            float[] swap = product;
            product = sums;
            sums = swap;
            count = half;
        }
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += product[i];
        }
        return sum;
    }

    private static double wide(Matrix x, int xStart, Matrix y, int yStart, int length) {
        float[][] tiles = Elementwise.floatTiles();
        ((FloatMatrix) x).readRun(xStart, tiles[0], length);
        ((FloatMatrix) y).readRun(yStart, tiles[1], length);
        double sum = 0;
        for (int i = 0; i < length; i++) {
            sum += (double) tiles[0][i] * tiles[1][i];
        }
        return sum;
    }

    private static double doubles(Matrix x, int xStart, Matrix y, int yStart, int length) {
        double[][] tiles = Elementwise.doubleTiles();
        ((DoubleMatrix) x).readRun(xStart, tiles[0], length);
        ((DoubleMatrix) y).readRun(yStart, tiles[1], length);
        double sum = 0;
        for (int i = 0; i < length; i++) {
            sum += tiles[0][i] * tiles[1][i];
        }
        return sum;
    }
}
