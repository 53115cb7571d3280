// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import io.kronstream.linalg.Elementwise;
import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;

/**
 * Elementwise function of a layer. Results depend on the arguments alone, on every machine: no intrinsic of the virtual
 * machine is used, {@link ActivationMath} in single precision and {@link StrictMath} in double.
 */
public enum Activation {
    IDENTITY(null, null, false),
    /** {@code max(0, z)}; the derivative at 0 is 0. */
    RELU(new Relu(), new ReluGradient(), false),
    TANH(new Tanh(), new TanhGradient(), false),
    /** {@code 1 / (1 + exp(-z))}. */
    SIGMOID(new Sigmoid(), new SigmoidGradient(), false),
    /** {@code z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3)))}, the usual form of z times the normal distribution. */
    GELU(new Gelu(), new GeluGradient(), true);

    private final Kernel function;
    private final Kernel gradient;
    private final boolean ofInput;

    Activation(Kernel function, Kernel gradient, boolean ofInput) {
        this.function = function;
        this.gradient = gradient;
        this.ofInput = ofInput;
    }

    /** Whether the derivative is computed from the input, which must then be kept; else it is from the output. */
    boolean keepsInput() {
        return ofInput;
    }

    /** Replaces each element. */
    void apply(Matrix x) {
        if (function != null) {
            Elementwise.run(function, 1, x);
        }
    }

    /** Multiplies by the derivative. */
    void differentiate(Matrix delta, Matrix kept) {
        if (gradient != null) {
            Elementwise.run(gradient, 1, delta, kept);
        }
    }

    /** The derivative, from what it {@linkplain #keepsInput() is computed from}. */
    double derivative(double kept) {
        return switch (this) {
            case IDENTITY -> 1;
            case RELU -> kept > 0 ? 1 : 0;
            case TANH -> 1 - kept * kept;
            case SIGMOID -> kept * (1 - kept);
            case GELU -> {
                double t = geluTanh(kept);
                yield 0.5 * (1 + t) + 0.5 * kept * (1 - t * t) * geluSlope(kept);
            }
        };
    }

    /** The second derivative, from the same; that of relu is 0 everywhere. */
    double secondDerivative(double kept) {
        return switch (this) {
            case IDENTITY, RELU -> 0;
            case TANH -> -2 * kept * (1 - kept * kept);
            case SIGMOID -> kept * (1 - kept) * (1 - 2 * kept);
            case GELU -> {
                double t = geluTanh(kept);
                double slope = geluSlope(kept);
                double bend = 6 * GELU_SCALE * GELU_CUBE * kept;
                yield (1 - t * t) * (slope + 0.5 * kept * (bend - 2 * t * slope * slope));
            }
        };
    }

    private static double geluTanh(double z) {
        return StrictMath.tanh(GELU_SCALE * z * (1 + GELU_CUBE * z * z));
    }

    private static double geluSlope(double z) {
        return GELU_SCALE * (1 + 3 * GELU_CUBE * z * z);
    }

    private static final class Relu implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] x = tiles[0];
            for (int i = 0; i < length; i++) {
                x[i] = Math.max(0, x[i]);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] x = tiles[0];
            for (int i = 0; i < length; i++) {
                x[i] = Math.max(0, x[i]);
            }
        }
    }

    private static final class ReluGradient implements Kernel {
        /** Takes the smallest normal number to 2, so that the minimum with 1 is the derivative, without a branch. */
        private static final float STEEP = 0x1p127f;

        @Override
        public void apply(float[][] tiles, int length) {
            float[] delta = tiles[0];
            float[] activation = tiles[1];
            for (int i = 0; i < length; i++) {
                delta[i] *= Math.min(1, STEEP * activation[i]);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] delta = tiles[0];
            double[] activation = tiles[1];
            for (int i = 0; i < length; i++) {
                delta[i] = activation[i] > 0 ? delta[i] : 0;
            }
        }
    }

    private static final class Tanh implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] x = tiles[0];
            for (int i = 0; i < length; i++) {
                x[i] = ActivationMath.tanh(x[i]);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] x = tiles[0];
            for (int i = 0; i < length; i++) {
                x[i] = StrictMath.tanh(x[i]);
            }
        }
    }

    private static final class TanhGradient implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] delta = tiles[0];
            float[] t = tiles[1];
            for (int i = 0; i < length; i++) {
                delta[i] *= 1 - t[i] * t[i];
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] delta = tiles[0];
            double[] t = tiles[1];
            for (int i = 0; i < length; i++) {
                delta[i] *= 1 - t[i] * t[i];
            }
        }
    }

    private static final class Sigmoid implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] x = tiles[0];
            for (int i = 0; i < length; i++) {
                x[i] = ActivationMath.sigmoid(x[i]);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] x = tiles[0];
            for (int i = 0; i < length; i++) {
                x[i] = 1 / (1 + StrictMath.exp(-x[i]));
            }
        }
    }

    private static final class SigmoidGradient implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] delta = tiles[0];
            float[] s = tiles[1];
            for (int i = 0; i < length; i++) {
                delta[i] *= s[i] * (1 - s[i]);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] delta = tiles[0];
            double[] s = tiles[1];
            for (int i = 0; i < length; i++) {
                delta[i] *= s[i] * (1 - s[i]);
            }
        }
    }

    /** sqrt(2 / pi). */
    private static final double GELU_SCALE = 0.7978845608028654;

    private static final double GELU_CUBE = 0.044715;

    private static final class Gelu implements Kernel {
        @Override
        public void apply(float[][] tiles, int length) {
            float[] z = tiles[0];
            float scale = (float) GELU_SCALE;
            float cube = (float) (GELU_SCALE * GELU_CUBE);
            for (int i = 0; i < length; i++) {
                float x = z[i];
                z[i] = 0.5f * x * (1 + ActivationMath.tanh(x * (scale + cube * x * x)));
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] z = tiles[0];
            for (int i = 0; i < length; i++) {
                double x = z[i];
                z[i] = 0.5 * x * (1 + StrictMath.tanh(GELU_SCALE * x * (1 + GELU_CUBE * x * x)));
            }
        }
    }

    private static final class GeluGradient implements Kernel {
        /** Beyond it the derivative is 0 or 1 in single precision, and the formula might multiply 0 by infinity. */
        private static final float FAR = 9;

        @Override
        public void apply(float[][] tiles, int length) {
            float[] delta = tiles[0];
            float[] z = tiles[1];
            float scale = (float) GELU_SCALE;
            float cube = (float) (GELU_SCALE * GELU_CUBE);
            for (int i = 0; i < length; i++) {
                float x = Math.min(FAR, Math.max(-FAR, z[i]));
                float t = ActivationMath.tanh(x * (scale + cube * x * x));
                delta[i] *= 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * (scale + 3 * cube * x * x);
            }
        }

        @Override
        public void apply(double[][] tiles, int length) {
            double[] delta = tiles[0];
            double[] z = tiles[1];
            for (int i = 0; i < length; i++) {
                double x = Math.min(FAR, Math.max(-FAR, z[i]));
                double t = StrictMath.tanh(GELU_SCALE * x * (1 + GELU_CUBE * x * x));
                delta[i] *= 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU_SCALE * (1 + 3 * GELU_CUBE * x * x);
            }
        }
    }
}
