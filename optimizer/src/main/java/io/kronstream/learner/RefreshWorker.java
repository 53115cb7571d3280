// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshHealth;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Numerics;
import io.kronstream.linalg.Precision;
import java.util.HashMap;
import java.util.Map;

/** Does the work of a {@link RefreshRequest}; the same code wherever it runs. Not thread-safe: it owns scratch. */
public final class RefreshWorker implements AutoCloseable {
    private final EigenRefresh refresh;
    private final String fingerprint;
    private final Map<Integer, Matrix> factors = new HashMap<>();
    private final Map<Integer, Matrix> partners = new HashMap<>();
    private final Map<Integer, Matrix> bases = new HashMap<>();

    public RefreshWorker() {
        Numerics.singleThreaded();
        refresh = new EigenRefresh(Precision.FLOAT);
        fingerprint = Numerics.fingerprint();
    }

    public RefreshAnswer compute(RefreshRequest request) {
        int n = request.size();
        Decomposition decomposition = refresh.compute(new RefreshTask(
                request.side(),
                request.method(),
                matrix(factors, n, square(request.factor(), n)),
                request.method().needsPartner() ? matrix(partners, n, square(request.partner(), n)) : null,
                request.method().needsBasis() ? matrix(bases, n, request.basis()) : null,
                request.shift(),
                request.exponent()));
        float[] values = new float[0];
        float[] eigenvalues = new float[0];
        int[] permutation = new int[0];
        if (decomposition.succeeded()) {
            values = new float[n * n];
            decomposition.matrix().read(0, values, 0, values.length);
            eigenvalues = new float[decomposition.eigenvalues().length];
            for (int j = 0; j < eigenvalues.length; j++) {
                eigenvalues[j] = (float) decomposition.eigenvalues()[j];
            }
            permutation = decomposition.permutation().clone();
        }
        return new RefreshAnswer(
                request.model(),
                request.layer(),
                request.side(),
                request.version(),
                request.configuration(),
                fingerprint,
                decomposition.succeeded(),
                n,
                values,
                eigenvalues,
                permutation);
    }

    /** What the last {@link #compute} saw of its factor. */
    public RefreshHealth health() {
        return refresh.health();
    }

    private static Matrix matrix(Map<Integer, Matrix> bySize, int n, float[] values) {
        Matrix matrix = bySize.computeIfAbsent(n, size -> Matrix.create(Precision.FLOAT, size, size));
        matrix.write(0, values, 0, values.length);
        return matrix;
    }

    private static float[] square(float[] triangle, int n) {
        float[] square = new float[n * n];
        for (int i = 0, at = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                float value = triangle[at++];
                square[i * n + j] = value;
                square[j * n + i] = value;
            }
        }
        return square;
    }

    @Override
    public void close() {
        refresh.close();
        factors.values().forEach(Matrix::close);
        partners.values().forEach(Matrix::close);
        bases.values().forEach(Matrix::close);
    }
}
