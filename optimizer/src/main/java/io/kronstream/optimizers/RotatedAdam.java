// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Kernel;

/**
 * Adam in a rotated basis, on tiles of momentum m, second moment v and gradient g: {@code m = b1 m + (1 - b1) g, v = b2 v
 * + (1 - b2) g^2}, and g becomes {@code m / (sqrt(v) + eps)}. The bias correction is in the caller's step size, so eps
 * is relative to the uncorrected root.
 */
record RotatedAdam(double beta1, double beta2, double epsilon) implements Kernel {
    @Override
    public void apply(float[][] tiles, int length) {
        float[] m = tiles[0];
        float[] v = tiles[1];
        float[] g = tiles[2];
        float b1 = (float) beta1;
        float c1 = (float) (1 - beta1);
        float b2 = (float) beta2;
        float c2 = (float) (1 - beta2);
        float eps = (float) epsilon;
        for (int i = 0; i < length; i++) {
            float gi = g[i];
            float mi = b1 * m[i] + c1 * gi;
            float vi = b2 * v[i] + c2 * gi * gi;
            m[i] = mi;
            v[i] = vi;
            g[i] = mi / ((float) Math.sqrt(vi) + eps);
        }
    }

    @Override
    public void apply(double[][] tiles, int length) {
        double[] m = tiles[0];
        double[] v = tiles[1];
        double[] g = tiles[2];
        for (int i = 0; i < length; i++) {
            m[i] = beta1 * m[i] + (1 - beta1) * g[i];
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
            g[i] = m[i] / (Math.sqrt(v[i]) + epsilon);
        }
    }
}
