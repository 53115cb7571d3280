// SPDX-License-Identifier: Apache-2.0
package io.kronstream.benchmarks;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.GradientProducts;
import io.kronstream.fisher.ProjectorSplitting;
import io.kronstream.fisher.RefreshMethod;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.fisher.SingularBases;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import java.util.Random;
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

/** Rotations, factor steps and refreshes of one layer of size x size, with mini-batches smaller and larger than it. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class FisherBenchmark {
    private static final double DECAY = 0.99;

    @Param({"64", "256", "512", "1024"})
    int size;

    @Param({"64", "512"})
    int batch;

    private Matrix gradient;
    private Matrix activations;
    private Matrix derivatives;
    private Matrix left;
    private Matrix right;
    private Matrix basis;
    private Matrix rotated;
    private Matrix basisOfStart;
    private LayerGradient layer;
    private GradientProducts products;
    private ProjectorSplitting splitting;
    private EigenRefresh refresh;

    @Setup
    public void allocate() {
        Random random = new Random(1);
        activations = normal(random, batch, size);
        derivatives = normal(random, batch, size);
        gradient = Matrix.create(Precision.FLOAT, size, size);
        gradient.multiply(1.0 / batch, derivatives, true, activations, false, 0);
        layer = new LayerGradient(gradient, activations, derivatives);
        left = gram(random);
        right = gram(random);
        basis = gram(random);
        basis.eigenvectors(null);
        rotated = Matrix.create(Precision.FLOAT, size, size);
        basisOfStart = Matrix.create(Precision.FLOAT, size, size);
        products = new GradientProducts(Precision.FLOAT);
        splitting = ProjectorSplitting.sequential(Precision.FLOAT);
        refresh = new EigenRefresh(Precision.FLOAT);
    }

    private Matrix normal(Random random, int rows, int columns) {
        Matrix matrix = Matrix.create(Precision.FLOAT, rows, columns);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                matrix.set(i, j, random.nextGaussian());
            }
        }
        return matrix;
    }

    private Matrix gram(Random random) {
        try (Matrix root = normal(random, size, size)) {
            Matrix gram = Matrix.create(Precision.FLOAT, size, size);
            gram.addGram(1.0 / size, root, false, 0);
            return gram;
        }
    }

    /** Of a gradient, from its thin factors where that is cheaper. */
    @Benchmark
    public Matrix rotateThere() {
        products.between(basis, layer, basis, rotated);
        return rotated;
    }

    @Benchmark
    public Matrix rotateBack() {
        products.around(1, basis, gradient, basis, rotated, 0);
        return rotated;
    }

    /** Both factors of SOAP and Shampoo. */
    @Benchmark
    public Matrix followByMoments() {
        products.leftMoment(1 - DECAY, 1, layer, null, left, DECAY);
        products.rightMoment(1 - DECAY, 1, layer, null, right, DECAY);
        return right;
    }

    /** Both factors of K-FAC. */
    @Benchmark
    public Matrix followByStatistics() {
        left.addGram((1 - DECAY) / batch, derivatives, true, DECAY);
        right.addGram((1 - DECAY) / batch, activations, true, DECAY);
        return right;
    }

    /** Both factors of DyKAF. */
    @Benchmark
    public Matrix followBySplitting() {
        splitting.follow(left, right, layer, DECAY);
        return right;
    }

    @Benchmark
    public Decomposition refreshByQr() {
        return refresh.compute(RefreshTask.basis(RefreshTask.LEFT, RefreshMethod.QR_ITERATION, left, basis));
    }

    @Benchmark
    public Decomposition refreshByEigendecomposition() {
        return refresh.compute(RefreshTask.basis(RefreshTask.LEFT, RefreshMethod.EIGENDECOMPOSITION, left, basis));
    }

    /** Both first bases of SOAP and DyKAF. */
    @Benchmark
    public boolean startBases() {
        return SingularBases.compute(gradient, rotated, basisOfStart);
    }

    @TearDown
    public void release() {
        products.close();
        splitting.close();
        refresh.close();
        for (Matrix matrix :
                new Matrix[] {gradient, activations, derivatives, left, right, basis, rotated, basisOfStart}) {
            matrix.close();
        }
    }
}
