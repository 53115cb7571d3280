// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasColMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasUpper;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
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

    /** From this side on, QR in blocks of whole products pays; from the other on, in wider ones. */
    private static final int BLOCKED_QR = 64;

    private static final int WIDE_QR = 384;

    /** Reflections from the first to the last, stored in columns, as LAPACK names them. */
    private static final byte FORWARD = 'F';

    private static final byte COLUMNWISE = 'C';

    /**
     * A product with a transposed matrix, lower than this and wider and deeper, is computed transposed: OpenBLAS then packs
     * the large operand piece by piece into the cache, not into memory, which takes a tenth to a third less time. A matrix
     * that is not transposed would be read across its rows in pieces shorter than a cache line, which takes a tenth to two
     * thirds more.
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
        if (position % columns() + length <= columns()) {
            buffer.get(first, target, offset, length);
            return;
        }
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
        if (width == 1 || height == 1) {
            gemv(width == 1, height, width, inner, alpha, a, transposeA, left, b, transposeB, right, beta, result);
            return;
        }
        boolean lying = transposeB && beta == 0 && height <= LYING && width >= LYING && inner >= LYING;
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

    /** A product that is one column, or else one row: OpenBLAS would first pack the matrix that it is read from once. */
    private void gemv(
            boolean column,
            int height,
            int width,
            int inner,
            double alpha,
            Matrix a,
            boolean transposeA,
            FloatPointer left,
            Matrix b,
            boolean transposeB,
            FloatPointer right,
            double beta,
            FloatPointer result) {
        Matrix matrix = column ? a : b;
        // A row is the product of the transposed matrix.
        boolean transposed = column ? transposeA : !transposeB;
        int outer = column ? height : width;
        openblas.cblas_sgemv(
                CblasRowMajor,
                transposed ? CblasTrans : CblasNoTrans,
                transposed ? inner : outer,
                transposed ? outer : inner,
                (float) alpha,
                column ? left : right,
                matrix.stride(),
                column ? right : left,
                column ? transposeB ? 1 : b.stride() : transposeA ? a.stride() : 1,
                (float) beta,
                result,
                column ? stride() : 1);
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

    /** What is right of a band's square on the diagonal is transposed to below it. */
    private void mirrorInBands() {
        int n = rows();
        float[] square = SQUARE.get();
        for (int start = 0; start < n; start += MIRROR_BAND) {
            int side = Math.min(MIRROR_BAND, n - start);
            for (int i = 0; i < side; i++) {
                int row = rowStart(start + i) + start;
                buffer.get(row, square, i * side, side);
                for (int j = 0, from = i; j < i; j++, from += side) {
                    square[i * side + j] = square[from];
                }
                buffer.put(row, square, i * side, i);
            }
            int rest = n - start - side;
            if (rest > 0) {
                int next = start + side;
                openblas_full.cblas_somatcopy(
                        CblasRowMajor,
                        CblasTrans,
                        side,
                        rest,
                        1,
                        at(rowStart(start) + next),
                        stride(),
                        at(rowStart(next) + start),
                        stride());
            }
        }
    }

    // LAPACK's columns are this matrix's rows. Of a symmetric matrix they are the same: to say that it is stored by
    // columns
    // saves LAPACKE's transposing it there and back.

    @Override
    boolean symmetricEigen(double[] eigenvalues) {
        int n = rows();
        try (FloatPointer values = new FloatPointer((long) n);
                FloatPointer vectors = new FloatPointer((long) n * n)) {
            int info =
                    openblas.LAPACKE_ssyevd(openblas.LAPACK_COL_MAJOR, (byte) 'V', (byte) 'U', n, pointer, n, values);
            for (int i = 0; i < n; i++) {
                eigenvalues[n - 1 - i] = values.get(i);
            }
            openblas_full.cblas_somatcopy(CblasRowMajor, CblasTrans, n, n, 1, pointer, n, vectors, n);
            FloatBuffer ascending = vectors.asBuffer();
            float[] row = new float[n];
            float[] reversed = new float[n];
            for (int i = 0; i < n; i++) {
                ascending.get(i * n, row);
                for (int j = 0; j < n; j++) {
                    reversed[j] = row[n - 1 - j];
                }
                buffer.put(i * n, reversed);
            }
            return info == 0 && Double.isFinite(squaredNorm());
        }
    }

    @Override
    boolean cholesky() {
        int n = rows();
        // Its upper triangle is the lower one of the columns.
        int info = openblas.LAPACKE_spotrf(openblas.LAPACK_COL_MAJOR, (byte) 'L', n, pointer, n);
        if (info == 0) {
            info = openblas.LAPACKE_spotri(openblas.LAPACK_COL_MAJOR, (byte) 'L', n, pointer, n);
        }
        return info == 0;
    }

    @Override
    boolean qr(int count) {
        if (!Double.isFinite(squaredNorm())) {
            return false;
        }
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
     * Householder reflections in blocks {@code I - V T V^T}, of which only the panels' own are LAPACK's: all else is whole
     * products, with V cleared above its diagonal, where LAPACK multiplies by triangles. LAPACK's columns are this
     * matrix's rows, so it works on a transposed copy, and forms the transpose.
     */
    private int blockedQr() {
        int n = rows();
        int block = n < WIDE_QR ? 32 : 64;
        try (FloatPointer reflectors = new FloatPointer((long) n * n);
                FloatPointer basis = new FloatPointer((long) n * n);
                FloatPointer triangles = new FloatPointer((long) block * n);
                FloatPointer scales = new FloatPointer((long) block);
                FloatPointer first = new FloatPointer((long) block * n);
                FloatPointer second = new FloatPointer((long) block * n)) {
            openblas_full.cblas_somatcopy(CblasRowMajor, CblasTrans, n, n, 1, pointer, n, reflectors, n);
            Pointer.memset(triangles, 0, (long) Float.BYTES * block * n);
            Pointer.memset(basis, 0, (long) Float.BYTES * n * n);
            FloatBuffer panels = reflectors.asBuffer();
            for (int start = 0; start < n; start += block) {
                int width = Math.min(block, n - start);
                int height = n - start;
                FloatPointer v = at(reflectors, (long) start * n + start);
                FloatPointer t = at(triangles, (long) start * block);
                int info = openblas.LAPACKE_sgeqr2_work(openblas.LAPACK_COL_MAJOR, height, width, v, n, scales, first);
                if (info == 0) {
                    info = openblas.LAPACKE_slarft_work(
                            openblas.LAPACK_COL_MAJOR, FORWARD, COLUMNWISE, height, width, v, n, scales, t, block);
                }
                if (info != 0) {
                    return info;
                }
                clearAboveDiagonal(panels, start, width, n);
                int rest = height - width;
                if (rest > 0) {
                    FloatPointer trailing = at(reflectors, (long) (start + width) * n + start);
                    product(CblasTrans, CblasNoTrans, width, rest, height, 1, v, n, trailing, n, 0, first, block);
                    product(CblasTrans, CblasNoTrans, width, rest, width, 1, t, block, first, block, 0, second, block);
                    product(CblasNoTrans, CblasNoTrans, height, rest, width, -1, v, n, second, block, 1, trailing, n);
                }
            }
            FloatBuffer columns = basis.asBuffer();
            // From the last block on: what is before it is not yet touched by any reflection.
            for (int start = (n - 1) / block * block; start >= 0; start -= block) {
                int width = Math.min(block, n - start);
                int height = n - start;
                int rest = height - width;
                FloatPointer v = at(reflectors, (long) start * n + start);
                FloatPointer t = at(triangles, (long) start * block);
                FloatPointer corner = at(basis, (long) start * n + start);
                if (rest > 0) {
                    FloatPointer later = at(basis, (long) (start + width) * n + start);
                    FloatPointer below = at(later, width);
                    product(CblasTrans, CblasNoTrans, width, rest, rest, 1, at(v, width), n, below, n, 0, first, block);
                    product(
                            CblasNoTrans,
                            CblasNoTrans,
                            width,
                            rest,
                            width,
                            1,
                            t,
                            block,
                            first,
                            block,
                            0,
                            second,
                            block);
                    product(CblasNoTrans, CblasNoTrans, height, rest, width, -1, v, n, second, block, 1, later, n);
                }
                product(CblasNoTrans, CblasTrans, width, width, width, 1, t, block, v, n, 0, second, block);
                product(CblasNoTrans, CblasNoTrans, height, width, width, -1, v, n, second, block, 0, corner, n);
                for (int i = start; i < start + width; i++) {
                    columns.put(i * n + i, 1 + columns.get(i * n + i));
                }
            }
            openblas_full.cblas_somatcopy(CblasRowMajor, CblasTrans, n, n, 1, basis, n, pointer, n);
            return 0;
        }
    }

    /** Makes a panel's reflectors, columns of length n from its first row on, lower triangular with a diagonal of ones. */
    private static void clearAboveDiagonal(FloatBuffer panels, int start, int width, int n) {
        for (int j = start; j < start + width; j++) {
            for (int i = start; i < j; i++) {
                panels.put(j * n + i, 0);
            }
            panels.put(j * n + j, 1);
        }
    }

    /** {@code c = alpha op(a) op(b) + beta c}, of columns. */
    private static void product(
            int opA,
            int opB,
            int rows,
            int columns,
            int inner,
            float alpha,
            FloatPointer a,
            int strideA,
            FloatPointer b,
            int strideB,
            float beta,
            FloatPointer c,
            int strideC) {
        openblas.cblas_sgemm(
                CblasColMajor, opA, opB, rows, columns, inner, alpha, a, strideA, b, strideB, beta, c, strideC);
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
