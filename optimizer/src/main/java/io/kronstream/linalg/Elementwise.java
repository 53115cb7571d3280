// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

/**
 * Runs fused elementwise passes. A loop over native memory does not vectorise on Java 17, so tiles that fit the first
 * level cache are copied to the heap, computed there and copied back.
 */
public final class Elementwise {
    /** Elements that a tile has room for: four float tiles fill half a first-level cache. */
    static final int TILE = 1024;

    /**
     * Elements that a pass takes at a time. With seven copies to and from four operands whole tiles push each other out of
     * the first-level cache: Adam on 2 million elements took 4.2 ms by 1024, 3.5 by 512, 2.3 by 256 and by 128 (Zen 4).
     */
    private static final int RUN = 256;

    private static final int MAX_OPERANDS = 8;

    /**
     * Elements from a tile to the next, with those that are never used. Were there none, tiles would lie a page and a few
     * bytes apart, and a read from one would wait for a write to another that the processor takes for the same address:
     * Adam on 2 million elements then took 3.2 ms in place of 1.9 (Zen 4).
     */
    private static final int SPACING = TILE + RUN;

    private static final ThreadLocal<float[][]> FLOATS =
            ThreadLocal.withInitial(() -> new float[MAX_OPERANDS][SPACING]);
    private static final ThreadLocal<double[][]> DOUBLES =
            ThreadLocal.withInitial(() -> new double[MAX_OPERANDS][SPACING]);

    private Elementwise() {}

    static float[][] floatTiles() {
        return FLOATS.get();
    }

    static double[][] doubleTiles() {
        return DOUBLES.get();
    }

    /**
     * Applies a kernel to every element of the operands.
     *
     * @param written how many of the operands, from the first, the kernel changes
     * @param operands at most 8 matrices of one shape and precision
     */
    public static void run(Kernel kernel, int written, Matrix... operands) {
        Matrix first = operands[0];
        for (Matrix operand : operands) {
            if (operand.rows() != first.rows()
                    || operand.columns() != first.columns()
                    || operand.precision() != first.precision()) {
                throw new IllegalArgumentException("Operands of an elementwise pass must agree, were " + first.rows()
                        + " x " + first.columns() + " and " + operand.rows() + " x " + operand.columns());
            }
        }
        int length = first.rows() * first.columns();
        for (int start = 0; start < length; start += RUN) {
            int size = Math.min(RUN, length - start);
            if (first.precision() == Precision.FLOAT) {
                floats(kernel, written, operands, start, size);
            } else {
                doubles(kernel, written, operands, start, size);
            }
        }
    }

    private static void floats(Kernel kernel, int written, Matrix[] operands, int start, int size) {
        float[][] tiles = FLOATS.get();
        for (int k = 0; k < operands.length; k++) {
            operands[k].read(start, tiles[k], 0, size);
        }
        kernel.apply(tiles, size);
        for (int k = 0; k < written; k++) {
            operands[k].write(start, tiles[k], 0, size);
        }
    }

    private static void doubles(Kernel kernel, int written, Matrix[] operands, int start, int size) {
        double[][] tiles = DOUBLES.get();
        for (int k = 0; k < operands.length; k++) {
            operands[k].read(start, tiles[k], 0, size);
        }
        kernel.apply(tiles, size);
        for (int k = 0; k < written; k++) {
            operands[k].write(start, tiles[k], 0, size);
        }
    }
}
