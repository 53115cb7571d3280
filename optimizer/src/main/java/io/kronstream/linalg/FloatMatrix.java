// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasUpper;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.openblas.global.openblas_full;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Single precision in native memory, on OpenBLAS. */
final class FloatMatrix extends Matrix {
    private static final int MIRROR_BAND = 64;

    /** Up to this side, the whole product is faster than a triangle of it. */
    private static final int SMALL_GRAM = 96;

    /** Up to this side, mirroring a copy of the whole is faster than many short copies. */
    private static final int MIRRORED_WHOLE = 256;

    /** From this side on, wide blocks pay. */
    private static final int BLOCKED_QR = 256;

    /**
     * A product lower than this and wider and deeper is computed transposed: OpenBLAS then packs the large operand piece by
     * piece into the cache, not into memory, which takes a tenth to a third less time.
     */
    private static final int LYING = 192;

    private static final int TRANSPOSED_ELEMENTS = LYING * 4096;

    private static final ThreadLocal<FloatPointer> TRANSPOSED =
            ThreadLocal.withInitial(() -> new FloatPointer((long) TRANSPOSED_ELEMENTS));

    private static final ThreadLocal<float[]> SPAN = ThreadLocal.withInitial(() -> new float[2 * Elementwise.TILE]);

    private static final ThreadLocal<float[]> SQUARE =
            ThreadLocal.withInitial(() -> new float[MIRRORED_WHOLE * MIRRORED_WHOLE]);

    /** The allocation that {@link #pointer} and {@link #buffer} lie in; neither of them keeps it alive. */
    private INDArray memory;

    private final boolean owner;
    private FloatPointer pointer;
    private FloatBuffer buffer;

    private FloatMatrix(
            INDArray memory,
            boolean owner,
            FloatPointer pointer,
            FloatBuffer buffer,
            int rows,
            int columns,
            int stride) {
        super(rows, columns, stride);
        this.memory = memory;
        this.owner = owner;
        this.pointer = pointer;
        this.buffer = buffer;
    }

    static FloatMatrix create(int rows, int columns) {
        INDArray memory = allocate((long) rows * columns);
        return at(memory, 0, rows, columns, true);
    }

    /** A native allocation of zeros, at least one element long. */
    static INDArray allocate(long length) {
        Numerics.singleThreaded();
        return Nd4j.create(DataType.FLOAT, Math.max(1, length));
    }

    /** A matrix inside an allocation, which it holds. */
    static FloatMatrix view(INDArray memory, long offset, int rows, int columns) {
        return at(memory, offset, rows, columns, false);
    }

    private static FloatMatrix at(INDArray memory, long offset, int rows, int columns, boolean owner) {
        long length = Math.multiplyExact(rows, columns);
        FloatPointer pointer = new FloatPointer(memory.data().addressPointer());
        pointer.position(offset).limit(offset + length);
        return new FloatMatrix(memory, owner, pointer, pointer.asBuffer(), rows, columns, columns);
    }

    @Override
    public Precision precision() {
        return Precision.FLOAT;
    }

    @Override
    public double get(int row, int column) {
        return buffer.get(rowStart(row) + checkedColumn(column));
    }

    @Override
    public void set(int row, int column, double value) {
        buffer.put(rowStart(row) + checkedColumn(column), (float) value);
    }

    private int checkedColumn(int column) {
        if (column < 0 || column >= columns()) {
            throw new IndexOutOfBoundsException("column " + column + " of " + columns());
        }
        return column;
    }

    void readRun(int start, float[] target, int length) {
        buffer.get(start, target, 0, length);
    }

    void writeRun(int start, float[] source, int length) {
        buffer.put(start, source, 0, length);
    }

    @Override
    public void read(int position, float[] target, int offset, int length) {
        if (contiguous()) {
            buffer.get(position, target, offset, length);
            return;
        }
        int first = memoryIndex(position);
        int span = length == 0 ? 0 : memoryIndex(position + length - 1) + 1 - first;
        float[] tile = SPAN.get();
        // Gaps that are read with the rest and dropped cost less than a call for each row.
        boolean whole = span <= tile.length;
        if (whole) {
            buffer.get(first, tile, 0, span);
        }
        for (int done = 0; done < length; ) {
            int run = Math.min(length - done, columns() - (position + done) % columns());
            int from = memoryIndex(position + done);
            if (whole) {
                System.arraycopy(tile, from - first, target, offset + done, run);
            } else {
                buffer.get(from, target, offset + done, run);
            }
            done += run;
        }
    }

    @Override
    public void write(int position, float[] source, int offset, int length) {
        if (contiguous()) {
            buffer.put(position, source, offset, length);
            return;
        }
        for (int done = 0; done < length; ) {
            int run = Math.min(length - done, columns() - (position + done) % columns());
            buffer.put(memoryIndex(position + done), source, offset + done, run);
            done += run;
        }
    }

    /** Where the element at a position, counted row by row, lies in the memory. */
    private int memoryIndex(int position) {
        return rowStart(position / columns()) + position % columns();
    }

    @Override
    public void read(int position, double[] target, int offset, int length) {
        float[] tile = Elementwise.floatTiles()[0];
        for (int done = 0; done < length; done += tile.length) {
            int run = Math.min(tile.length, length - done);
            read(position + done, tile, 0, run);
            for (int i = 0; i < run; i++) {
                target[offset + done + i] = tile[i];
            }
        }
    }

    @Override
    public void write(int position, double[] source, int offset, int length) {
        float[] tile = Elementwise.floatTiles()[0];
        for (int done = 0; done < length; done += tile.length) {
            int run = Math.min(tile.length, length - done);
            for (int i = 0; i < run; i++) {
                tile[i] = (float) source[offset + done + i];
            }
            write(position + done, tile, 0, run);
        }
    }

    @Override
    public Matrix topRows(int count) {
        if (count > rows()) {
            throw new IllegalArgumentException("There are " + rows() + " rows, not " + count);
        }
        return new FloatMatrix(memory, false, pointer, buffer, count, columns(), stride());
    }

    @Override
    public Matrix leftColumns(int count) {
        if (count > columns()) {
            throw new IllegalArgumentException("There are " + columns() + " columns, not " + count);
        }
        return new FloatMatrix(memory, false, pointer, buffer, rows(), count, stride());
    }

    @Override
    Matrix blockView(int row, int count, int column, int width) {
        FloatPointer corner = at(pointer, rowStart(row) + column);
        corner.limit(corner.position() + (count - 1L) * stride() + width);
        return new FloatMatrix(memory, false, corner, corner.asBuffer(), count, width, stride());
    }

    @Override
    public void fill(double value) {
        float[] tile = Elementwise.floatTiles()[0];
        Arrays.fill(tile, (float) value);
        int length = rows() * columns();
        for (int start = 0; start < length; start += tile.length) {
            write(start, tile, 0, Math.min(tile.length, length - start));
        }
    }

    @Override
    void copy(Matrix source) {
        if (source instanceof FloatMatrix other && contiguous() && other.contiguous()) {
            buffer.put(0, other.buffer, 0, rows() * columns());
            return;
        }
        float[] tile = Elementwise.floatTiles()[0];
        int length = rows() * columns();
        for (int start = 0; start < length; start += tile.length) {
            int run = Math.min(tile.length, length - start);
            source.read(start, tile, 0, run);
            write(start, tile, 0, run);
        }
    }

    @Override
    void gemm(
            int rowFrom,
            int rowTo,
            int columnFrom,
            int columnTo,
            int inner,
            double alpha,
            Matrix a,
            boolean transposeA,
            Matrix b,
            boolean transposeB,
            double beta) {
        int height = rowTo - rowFrom;
        int width = columnTo - columnFrom;
        FloatPointer left = ((FloatMatrix) a).at(transposeA ? rowFrom : rowFrom * a.stride());
        FloatPointer right = ((FloatMatrix) b).at(transposeB ? columnFrom * b.stride() : columnFrom);
        int opA = transposeA ? CblasTrans : CblasNoTrans;
        int opB = transposeB ? CblasTrans : CblasNoTrans;
        FloatPointer result = at(rowFrom * stride() + columnFrom);
        boolean lying = beta == 0 && height <= LYING && width >= LYING && inner >= LYING;
        if (!lying || (long) height * width > TRANSPOSED_ELEMENTS) {
            openblas.cblas_sgemm(
                    CblasRowMajor,
                    opA,
                    opB,
                    height,
                    width,
                    inner,
                    (float) alpha,
                    left,
                    a.stride(),
                    right,
                    b.stride(),
                    (float) beta,
                    result,
                    stride());
            return;
        }
        FloatPointer transposed = TRANSPOSED.get();
        openblas.cblas_sgemm(
                CblasRowMajor,
                transposeB ? CblasNoTrans : CblasTrans,
                transposeA ? CblasNoTrans : CblasTrans,
                width,
                height,
                inner,
                (float) alpha,
                right,
                b.stride(),
                left,
                a.stride(),
                0,
                transposed,
                height);
        openblas_full.cblas_somatcopy(
                CblasRowMajor, CblasTrans, width, height, 1, transposed, height, result, stride());
    }

    private FloatPointer at(int offset) {
        return offset == 0 ? pointer : at(pointer, offset);
    }

    private static FloatPointer at(FloatPointer start, long offset) {
        FloatPointer moved = new FloatPointer(start);
        return moved.position(start.position() + offset);
    }

    @Override
    void syrk(double alpha, Matrix x, boolean transposed, double beta) {
        int inner = transposed ? x.rows() : x.columns();
        if (rows() <= SMALL_GRAM && inner > 1) {
            gemm(0, rows(), 0, rows(), inner, alpha, x, transposed, x, !transposed, beta);
            return;
        }
        openblas.cblas_ssyrk(
                CblasRowMajor,
                CblasUpper,
                transposed ? CblasTrans : CblasNoTrans,
                rows(),
                inner,
                (float) alpha,
                ((FloatMatrix) x).pointer,
                x.stride(),
                (float) beta,
                pointer,
                stride());
    }

    @Override
    public void mirrorUpper() {
        int n = rows();
        if (n > MIRRORED_WHOLE || !contiguous()) {
            mirrorInBands();
            return;
        }
        float[] all = SQUARE.get();
        buffer.get(0, all, 0, n * n);
        for (int i = 1; i < n; i++) {
            int row = i * n;
            for (int j = 0, from = i; j < i; j++, from += n) {
                all[row + j] = all[from];
            }
        }
        buffer.put(0, all, 0, n * n);
    }

    private void mirrorInBands() {
        int n = rows();
        float[] band = SQUARE.get();
        float[] row = Elementwise.floatTiles()[0];
        int most = Math.min(MIRROR_BAND, band.length / n);
        for (int start = 0; start < n; start += most) {
            int height = Math.min(most, n - start);
            int width = n - start;
            for (int i = 0; i < height; i++) {
                buffer.get(rowStart(start + i) + start, band, i * width, width);
            }
            for (int j = 1; j < width; j++) {
                int run = Math.min(j, height);
                for (int i = 0, from = j; i < run; i++, from += width) {
                    row[i] = band[from];
                }
                buffer.put(rowStart(start + j) + start, row, 0, run);
            }
        }
    }

    @Override
    boolean symmetricEigen(double[] eigenvalues) {
        int n = rows();
        int info;
        try (FloatPointer values = new FloatPointer((long) n)) {
            info = openblas.LAPACKE_ssyevd(openblas.LAPACK_ROW_MAJOR, (byte) 'V', (byte) 'U', n, pointer, n, values);
            for (int i = 0; i < n; i++) {
                eigenvalues[n - 1 - i] = values.get(i);
            }
        }
        float[] row = new float[n];
        float[] reversed = new float[n];
        for (int i = 0; i < n; i++) {
            buffer.get(i * n, row);
            for (int j = 0; j < n; j++) {
                reversed[j] = row[n - 1 - j];
            }
            buffer.put(i * n, reversed);
        }
        return info == 0 && Double.isFinite(squaredNorm());
    }

    @Override
    boolean cholesky() {
        int n = rows();
        int info = openblas.LAPACKE_spotrf(openblas.LAPACK_ROW_MAJOR, (byte) 'U', n, pointer, n);
        if (info == 0) {
            info = openblas.LAPACKE_spotri(openblas.LAPACK_ROW_MAJOR, (byte) 'U', n, pointer, n);
        }
        return info == 0;
    }

    @Override
    boolean qr(int count) {
        int info = rows() < BLOCKED_QR || count < rows() ? plainQr(count) : blockedQr();
        return info == 0 && Double.isFinite(squaredNorm());
    }

    private int plainQr(int count) {
        int n = rows();
        try (FloatPointer reflectors = new FloatPointer((long) count)) {
            int info = openblas.LAPACKE_sgeqrf(openblas.LAPACK_ROW_MAJOR, n, count, pointer, n, reflectors);
            return info != 0
                    ? info
                    : openblas.LAPACKE_sorgqr(openblas.LAPACK_ROW_MAJOR, n, n, count, pointer, n, reflectors);
        }
    }

    /**
     * Householder reflections in wider blocks than LAPACK's own 32, whose products are too thin to be fast: a quarter less
     * time at n = 1025. LAPACK's columns are this matrix's rows, so it works on transposed copies.
     */
    private int blockedQr() {
        int n = rows();
        int block = n < 768 ? 64 : 128;
        try (FloatPointer reflectors = new FloatPointer((long) n * n);
                FloatPointer triangles = new FloatPointer((long) block * n);
                FloatPointer work = new FloatPointer((long) block * n)) {
            openblas_full.cblas_somatcopy(CblasRowMajor, CblasTrans, n, n, 1, pointer, n, reflectors, n);
            int info = openblas.LAPACKE_sgeqrt_work(
                    openblas.LAPACK_COL_MAJOR, n, n, block, reflectors, n, triangles, block, work);
            setIdentity(1);
            // From the last block on, the columns before a block are not yet touched by any reflection.
            for (int start = (n - 1) / block * block; start >= 0 && info == 0; start -= block) {
                int left = n - start;
                int corner = start * n + start;
                info = openblas.LAPACKE_slarfb_work(
                        openblas.LAPACK_COL_MAJOR,
                        (byte) 'L',
                        (byte) 'N',
                        (byte) 'F',
                        (byte) 'C',
                        left,
                        left,
                        Math.min(block, left),
                        at(reflectors, corner),
                        n,
                        at(triangles, (long) start * block),
                        block,
                        at(corner),
                        n,
                        work,
                        n);
            }
            openblas_full.cblas_somatcopy(CblasRowMajor, CblasTrans, n, n, 1, pointer, n, reflectors, n);
            buffer.put(0, reflectors.asBuffer(), 0, n * n);
            return info;
        }
    }

    @Override
    public void close() {
        if (memory == null) {
            return;
        }
        if (owner) {
            memory.close();
        }
        memory = null;
        pointer = null;
        buffer = null;
    }
}
