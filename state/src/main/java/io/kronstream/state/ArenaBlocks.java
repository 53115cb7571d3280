// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.linalg.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Cuts the packed sequence of an {@link Arena} into blocks of at most 1 MiB and puts it together again. Block {@code i}
 * holds the elements from {@code i * ELEMENTS} on, as little-endian floats; the last one is as short as the sequence
 * is. Not thread-safe: it owns scratch.
 */
final class ArenaBlocks {
    /** Elements of every block but the last. */
    static final int ELEMENTS = 1 << 18;

    private float[] scratch = {};

    /** Blocks of an arena. */
    static int count(Arena arena) {
        return Math.toIntExact((arena.packedLength() + ELEMENTS - 1) / ELEMENTS);
    }

    /** Whether any element of a block may have changed. */
    static boolean isDirty(Arena arena, int block) {
        long from = from(block);
        return arena.isDirty(from, from + length(arena, block));
    }

    byte[] pack(Arena arena, int block) {
        int length = length(arena, block);
        reserve(length);
        arena.pack(from(block), scratch, 0, length);
        byte[] bytes = new byte[Float.BYTES * length];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(scratch, 0, length);
        return bytes;
    }

    /**
     * The inverse of {@link #pack}.
     *
     * @throws IllegalStateException if the bytes are not as many as the block has
     */
    void unpack(Arena arena, int block, byte[] bytes) {
        int length = length(arena, block);
        if (bytes.length != Float.BYTES * length) {
            throw new IllegalStateException("Block " + block + " of " + count(arena) + " must have "
                    + Float.BYTES * length + " bytes, was " + bytes.length);
        }
        reserve(length);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(scratch, 0, length);
        arena.unpack(from(block), scratch, 0, length);
    }

    private void reserve(int length) {
        if (scratch.length < length) {
            scratch = Arrays.copyOf(scratch, length);
        }
    }

    private static long from(int block) {
        return (long) block * ELEMENTS;
    }

    private static int length(Arena arena, int block) {
        return (int) Math.min(ELEMENTS, arena.packedLength() - from(block));
    }
}
