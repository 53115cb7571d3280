// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import java.util.List;

/**
 * The memory of one model: named tensors and counters, resident for computing, and addressable as one packed sequence
 * of elements for storing. Tensors follow each other in the declared order, row by row; of a symmetric tensor only the
 * upper triangle is in the sequence.
 */
public final class Arena implements AutoCloseable {

    public Arena(Precision precision, List<TensorSpec> tensors, List<String> counters) {
        throw new UnsupportedOperationException("to come");
    }

    public List<TensorSpec> tensors() {
        throw new UnsupportedOperationException("to come");
    }

    public List<String> counters() {
        throw new UnsupportedOperationException("to come");
    }

    public Matrix tensor(String name) {
        throw new UnsupportedOperationException("to come");
    }

    public long counter(String name) {
        throw new UnsupportedOperationException("to come");
    }

    public void setCounter(String name, long value) {
        throw new UnsupportedOperationException("to come");
    }

    /** Says that a tensor has changed since {@link #clearDirty()}. Whoever writes a tensor says so. */
    public void markDirty(String name) {
        throw new UnsupportedOperationException("to come");
    }

    /** Whether any element in [from, to) of the packed sequence may have changed. */
    public boolean isDirty(long from, long to) {
        throw new UnsupportedOperationException("to come");
    }

    public void clearDirty() {
        throw new UnsupportedOperationException("to come");
    }

    /** Elements of the packed sequence. */
    public long packedLength() {
        throw new UnsupportedOperationException("to come");
    }

    /** Copies {@code length} elements of the packed sequence, starting at {@code from}, to {@code target}. */
    public void pack(long from, float[] target, int offset, int length) {
        throw new UnsupportedOperationException("to come");
    }

    /** The inverse of {@link #pack}; fills both triangles of a symmetric tensor. Does not mark anything dirty. */
    public void unpack(long from, float[] source, int offset, int length) {
        throw new UnsupportedOperationException("to come");
    }

    /** SHA-256 (hex) over names, shapes, packed elements (little-endian bits) and counters. */
    public String digest() {
        throw new UnsupportedOperationException("to come");
    }

    /** Native and heap bytes held. */
    public long bytes() {
        throw new UnsupportedOperationException("to come");
    }

    @Override
    public void close() {}
}
