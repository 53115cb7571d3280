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

    /** Up to this side, mirroring a copy of the whole is faster than many short copies. */
    private static final int MIRRORED_WHOLE = 256;

    /** From this side on, wide blocks pay. */
    private static final int BLOCKED_QR = 256;

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
        for (int done = 0; done < length; ) {
            int column = (position + done) % columns();
            int run = Math.min(length - done, columns() - column);
            buffer.get(rowStart((position + done) / columns()) + column, target, offset + done, run);
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
            int column = (position + done) % columns();
            int run = Math.min(length - done, columns() - column);
            buffer.put(rowStart((position + done) / columns()) + column, source, offset + done, run);
            done += run;
        }
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
        openblas.cblas_sgemm(
                CblasRowMajor,
                transposeA ? CblasTrans : CblasNoTrans,
                transposeB ? CblasTrans : CblasNoTrans,
                rowTo - rowFrom,
                columnTo - columnFrom,
                inner,
                (float) alpha,
                ((FloatMatrix) a).at(transposeA ? rowFrom : rowFrom * a.stride()),
                a.stride(),
                ((FloatMatrix) b).at(transposeB ? columnFrom * b.stride() : columnFrom),
                b.stride(),
                (float) beta,
                at(rowFrom * stride() + columnFrom),
                stride());
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
        openblas.cblas_ssyrk(
                CblasRowMajor,
                CblasUpper,
                transposed ? CblasTrans : CblasNoTrans,
                rows(),
                transposed ? x.rows() : x.columns(),
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
        float[] band = new float[Math.min(MIRROR_BAND, n) * n];
        float[] row = new float[MIRROR_BAND];
        for (int start = 0; start < n; start += MIRROR_BAND) {
            int height = Math.min(MIRROR_BAND, n - start);
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
