// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.EigenRefresh;
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
    private final Map<Integer, Matrix> bases = new HashMap<>();

    public RefreshWorker() {
        Numerics.singleThreaded();
        refresh = new EigenRefresh(Precision.FLOAT);
        fingerprint = Numerics.fingerprint();
    }

    public RefreshAnswer compute(RefreshRequest request) {
        int n = request.size();
        Matrix factor = factors.computeIfAbsent(n, size -> Matrix.create(Precision.FLOAT, size, size));
        Matrix basis = bases.computeIfAbsent(n, size -> Matrix.create(Precision.FLOAT, size, size));
        basis.write(0, request.basis(), 0, n * n);
        factor.write(0, square(request.factor(), n), 0, n * n);
        Decomposition decomposition = refresh.compute(request.method(), factor, basis);
        float[] values = new float[0];
        int[] permutation = new int[0];
        if (decomposition.succeeded()) {
            values = new float[n * n];
            decomposition.basis().read(0, values, 0, values.length);
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
                permutation);
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
        bases.values().forEach(Matrix::close);
    }
}
