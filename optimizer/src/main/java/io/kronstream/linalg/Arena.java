// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The memory of one model: named tensors and counters, resident for computing, and addressable as one packed sequence
 * of elements for storing. Tensors follow each other in the declared order, row by row; of a symmetric tensor only the
 * upper triangle is in the sequence.
 *
 * <p>All tensors lie in one allocation. Not thread-safe.
 */
public final class Arena implements AutoCloseable {
    /** Heap bytes of an arena without tensors, of one tensor, and of one counter: measured, rounded up. */
    private static final int ARENA_BYTES = 1024;

    private static final int TENSOR_BYTES = 512;
    private static final int COUNTER_BYTES = 64;

    private static final int CHUNK = 4096;

    private final Precision precision;
    private final ArenaLayout layout;
    private final List<TensorSpec> specs;
    private final long[] packedStarts;
    private final long[] counters;
    private final Matrix[] tensors;
    private final BitSet dirty;
    /** Of tensors whose rows change one by one, the rows that did. */
    private final Map<Integer, BitSet> dirtyRows = new HashMap<>();

    private final INDArray memory;
    private boolean closed;

    /** All tensors and counters are zero, and nothing is dirty. */
    public Arena(Precision precision, List<TensorSpec> tensors, List<String> counters) {
        this(precision, new ArenaLayout(tensors, counters));
    }

    /** As {@link #Arena(Precision, List, List)}; arenas of one layout share it. */
    public Arena(Precision precision, ArenaLayout layout) {
        this.precision = precision;
        this.layout = layout;
        this.specs = layout.tensors();
        this.packedStarts = layout.packedStarts();
        this.counters = new long[layout.counters().size()];
        this.tensors = new Matrix[specs.size()];
        this.dirty = new BitSet(specs.size());
        long length = layout.elements();
        this.memory = precision == Precision.FLOAT ? FloatMatrix.allocate(length) : null;
        double[] heap = precision == Precision.DOUBLE ? new double[Math.toIntExact(length)] : null;
        long start = 0;
        for (int i = 0; i < specs.size(); i++) {
            TensorSpec spec = specs.get(i);
            this.tensors[i] = precision == Precision.FLOAT
                    ? FloatMatrix.view(memory, start, spec.rows(), spec.columns())
                    : DoubleMatrix.view(heap, Math.toIntExact(start), spec.rows(), spec.columns());
            start += ArenaLayout.elements(spec);
        }
    }

    public Precision precision() {
        return precision;
    }

    public List<TensorSpec> tensors() {
        return specs;
    }

    public List<String> counters() {
        return layout.counters();
    }

    /** The tensor itself, not a copy; valid until this arena is closed. Whoever writes to it marks it dirty. */
    public Matrix tensor(String name) {
        return tensors[layout.tensor(name)];
    }

    public long counter(String name) {
        return counters[layout.counter(name)];
    }

    public void setCounter(String name, long value) {
        counters[layout.counter(name)] = value;
    }

    /** Says that a tensor has changed since {@link #clearDirty()}. Whoever writes a tensor says so. */
    public void markDirty(String name) {
        dirty.set(layout.tensor(name));
    }

    /** Says that one row of a tensor, which is not symmetric, has changed since {@link #clearDirty()}. */
    public void markRowDirty(String name, int row) {
        int index = layout.tensor(name);
        if (specs.get(index).symmetric()) {
            throw new IllegalArgumentException("The rows of " + name + " are not stored one after the other");
        }
        dirtyRows.computeIfAbsent(index, key -> new BitSet()).set(row);
    }

    /** Whether any element in [from, to) of the packed sequence may have changed. */
    public boolean isDirty(long from, long to) {
        for (int i = dirty.nextSetBit(0); i >= 0; i = dirty.nextSetBit(i + 1)) {
            if (packedStarts[i] < to && packedStarts[i + 1] > from) {
                return true;
            }
        }
        return dirtyRows.entrySet().stream().anyMatch(rows -> isAnyDirty(rows.getValue(), rows.getKey(), from, to));
    }

    private boolean isAnyDirty(BitSet rows, int index, long from, long to) {
        if (packedStarts[index] >= to || packedStarts[index + 1] <= from) {
            return false;
        }
        int columns = specs.get(index).columns();
        int first = (int) (Math.max(0, from - packedStarts[index]) / columns);
        int row = rows.nextSetBit(first);
        return row >= 0 && packedStarts[index] + (long) row * columns < to;
    }

    public void clearDirty() {
        dirtyRows.clear();
        dirty.clear();
    }

    /** Elements of the packed sequence. */
    public long packedLength() {
        return packedStarts[specs.size()];
    }

    /** Copies {@code length} elements of the packed sequence, starting at {@code from}, to {@code target}. */
    public void pack(long from, float[] target, int offset, int length) {
        transfer(from, length, (tensor, position, done, run) -> tensor.read(position, target, offset + done, run));
    }

    /** The inverse of {@link #pack}; fills both triangles of a symmetric tensor. Does not mark anything dirty. */
    public void unpack(long from, float[] source, int offset, int length) {
        transfer(from, length, (tensor, position, done, run) -> tensor.write(position, source, offset + done, run));
        for (int i = 0; i < specs.size(); i++) {
            if (specs.get(i).symmetric() && packedStarts[i] < from + length && packedStarts[i + 1] > from) {
                tensors[i].mirrorUpper();
            }
        }
    }

    private interface Transfer {
        void run(Matrix tensor, int position, int done, int length);
    }

    /** Cuts [from, from + length) into runs that are contiguous in a tensor. */
    private void transfer(long from, int length, Transfer transfer) {
        if (closed) {
            throw new IllegalStateException("The arena is closed");
        }
        if (from < 0 || length < 0 || from + length > packedLength()) {
            throw new IndexOutOfBoundsException(
                    "[" + from + ", " + (from + length) + ") of " + packedLength() + " elements");
        }
        int done = 0;
        int i = Arrays.binarySearch(packedStarts, from);
        i = i < 0 ? -i - 2 : i;
        while (done < length) {
            TensorSpec spec = specs.get(i);
            long inTensor = from + done - packedStarts[i];
            int end = (int) Math.min(length, packedStarts[i + 1] - from);
            if (spec.symmetric()) {
                int row = triangleRow(inTensor, spec.rows());
                int column = row + (int) (inTensor - triangleStart(row, spec.rows()));
                while (done < end) {
                    int run = Math.min(end - done, spec.columns() - column);
                    transfer.run(tensors[i], row * spec.columns() + column, done, run);
                    done += run;
                    row++;
                    column = row;
                }
            } else {
                transfer.run(tensors[i], (int) inTensor, done, end - done);
                done = end;
            }
            i++;
        }
    }

    /** Position in the packed upper triangle where a row starts. */
    private static long triangleStart(int row, int size) {
        return (long) row * size - (long) row * (row - 1) / 2;
    }

    private static int triangleRow(long position, int size) {
        int low = 0;
        int high = size - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (triangleStart(middle, size) <= position) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** SHA-256 (hex) over names, shapes, packed elements (little-endian bits) and counters. */
    public String digest() {
        MessageDigest sha;
        try {
            sha = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
        for (TensorSpec spec : specs) {
            sha.update((spec.name() + ' ' + spec.rows() + ' ' + spec.columns() + ' ' + spec.symmetric() + '\n')
                    .getBytes(StandardCharsets.UTF_8));
        }
        ByteBuffer bytes = ByteBuffer.allocate(8 * CHUNK).order(ByteOrder.LITTLE_ENDIAN);
        for (long from = 0; from < packedLength(); from += CHUNK) {
            int length = (int) Math.min(CHUNK, packedLength() - from);
            bytes.clear();
            if (precision == Precision.FLOAT) {
                float[] values = new float[length];
                pack(from, values, 0, length);
                bytes.asFloatBuffer().put(values);
                bytes.position(4 * length);
            } else {
                double[] values = new double[length];
                transfer(from, length, (tensor, position, done, run) -> tensor.read(position, values, done, run));
                bytes.asDoubleBuffer().put(values);
                bytes.position(8 * length);
            }
            sha.update(bytes.flip());
        }
        for (int i = 0; i < counters.length; i++) {
            sha.update((layout.counters().get(i) + ' ' + counters[i] + '\n').getBytes(StandardCharsets.UTF_8));
        }
        return HexFormat.of().formatHex(sha.digest());
    }

    /** Bytes held outside of the heap. */
    public long nativeBytes() {
        return precision == Precision.FLOAT ? Float.BYTES * layout.elements() : 0;
    }

    /** Bytes held on the heap: an upper estimate. */
    public long heapBytes() {
        return ARENA_BYTES
                + (long) TENSOR_BYTES * specs.size()
                + (long) COUNTER_BYTES * counters.length
                + (precision == Precision.FLOAT ? 0 : Double.BYTES * layout.elements());
    }

    /** Releases the memory; neither this arena nor its tensors may be used afterwards. Idempotent. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Matrix tensor : tensors) {
            tensor.close();
        }
        if (memory != null) {
            memory.close();
        }
    }
}
