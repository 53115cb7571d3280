// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import java.util.Arrays;

/** Sums over all elements in one fixed order. */
final class Reductions {
    private Reductions() {}

    /** Below and above these, products may have left the range of a float. */
    private static final double SMALLEST_SAFE = 1e-24;

    private static final double LARGEST_SAFE = 1e36;

    /** Tiles whose products are added up in single precision before they are added in double. */
    private static final int TILES_IN_FLOAT = 32;

    /** Where the pairwise sum of a tile ends and the sum in double begins. */
    private static final int SUMMED_IN_DOUBLE = 64;

    /**
     * Tiles are added up elementwise in single precision, which vectorises, and now and then summed in double; where
     * products may have under- or overflowed, again in double throughout.
     */
    static double dot(Matrix x, Matrix y) {
        if (x.precision() != y.precision()) {
            throw new IllegalArgumentException("An inner product must not mix precisions");
        }
        if (x.precision() == Precision.DOUBLE) {
            return sum(x, y, Reductions::doubles);
        }
        double fast = fast((FloatMatrix) x, (FloatMatrix) y);
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

    private static double fast(FloatMatrix x, FloatMatrix y) {
        boolean contiguous = x.contiguous() && y.contiguous();
        int runs = contiguous ? 1 : x.rows();
        int length = contiguous ? x.rows() * x.columns() : x.columns();
        float[][] tiles = Elementwise.floatTiles();
        float[] sums = tiles[2];
        double total = 0;
        int filled = 0;
        int waiting = 0;
        for (int run = 0; run < runs; run++) {
            for (int start = 0; start < length; start += Elementwise.TILE) {
                int size = Math.min(Elementwise.TILE, length - start);
                float[] a = tiles[0];
                x.readRun(x.rowStart(run) + start, a, size);
                float[] b = a;
                if (x != y) {
                    b = tiles[1];
                    y.readRun(y.rowStart(run) + start, b, size);
                }
                if (size > filled) {
                    Arrays.fill(sums, filled, size, 0);
                    filled = size;
                }
                addProducts(sums, a, b, size);
                if (++waiting == TILES_IN_FLOAT) {
                    total += drain(sums, tiles[3], filled);
                    waiting = 0;
                    filled = 0;
                }
            }
        }
        return total + drain(sums, tiles[3], filled);
    }

    private static void addProducts(float[] sums, float[] a, float[] b, int length) {
        for (int i = 0; i < length; i++) {
            sums[i] += a[i] * b[i];
        }
    }

    /** Halves by adding the second half to the first, from tile to tile so that no loop reads what it writes. */
    private static double drain(float[] sums, float[] spare, int length) {
        float[] from = sums;
        float[] to = spare;
        int count = length;
        while (count > SUMMED_IN_DOUBLE) {
            int half = count / 2;
            addHalves(from, to, half);
            if ((count & 1) == 1) {
                to[0] += from[count - 1];
            }
            float[] swap = from;
            from = to;
            to = swap;
            count = half;
        }
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += from[i];
        }
        return sum;
    }

    private static void addHalves(float[] from, float[] to, int half) {
        for (int i = 0; i < half; i++) {
            to[i] = from[i] + from[i + half];
        }
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
