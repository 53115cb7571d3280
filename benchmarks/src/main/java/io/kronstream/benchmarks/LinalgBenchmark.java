// SPDX-License-Identifier: Apache-2.0
package io.kronstream.benchmarks;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Products and decompositions of square matrices: 2 n^3 FLOPs for a product, n^3 for a Gram matrix. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class LinalgBenchmark {
    @Param({"64", "256", "512"})
    int size;

    private Matrix a;
    private Matrix b;
    private Matrix result;

    @Setup
    public void allocate() {
        a = Matrix.create(Precision.FLOAT, size, size);
        b = Matrix.create(Precision.FLOAT, size, size);
        result = Matrix.create(Precision.FLOAT, size, size);
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                a.set(i, j, ((i * 31 + j * 17) % 23) / 23.0 - 0.5);
                b.set(i, j, ((i * 13 + j * 29) % 19) / 19.0 - 0.5);
            }
        }
    }

    @Benchmark
    public Matrix multiply() {
        result.multiply(1, a, false, b, false, 0);
        return result;
    }

    @Benchmark
    public Matrix gram() {
        result.addGram(0.05, a, false, 0.95);
        return result;
    }

    @Benchmark
    public boolean eigenvectors() {
        result.addGram(1, a, false, 0);
        return result.eigenvectors(null);
    }

    @Benchmark
    public boolean orthonormalise() {
        result.copyFrom(b);
        result.addToDiagonal(1);
        return result.orthonormalise();
    }

    @TearDown
    public void release() {
        a.close();
        b.close();
        result.close();
    }
}
