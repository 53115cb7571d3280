// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import io.kronstream.linalg.Matrix;

/**
 * What a mini-batch says about one layer. The matrices are views of scratch memory, valid until the network's next
 * forward pass; nobody but the network writes to them.
 */
public final class LayerGradient {
    /** Squares below it fit a float with room for the sums that an optimizer makes of them. */
    private static final double LARGEST_SQUARE = 0.25 * Float.MAX_VALUE;

    private final Matrix gradient;
    private final Matrix activations;
    private final Matrix preActivationGradients;
    private final Matrix sampledPreActivationGradients;

    /** A gradient with its thin factors: {@code gradient = preActivationGradients^T activations / batch}. */
    public LayerGradient(Matrix gradient, Matrix activations, Matrix preActivationGradients) {
        this(gradient, activations, preActivationGradients, null);
    }

    /** The same with the gradients that a backward pass from sampled targets gave. */
    public LayerGradient(
            Matrix gradient, Matrix activations, Matrix preActivationGradients, Matrix sampledPreActivationGradients) {
        this.gradient = gradient;
        this.activations = activations;
        this.preActivationGradients = preActivationGradients;
        this.sampledPreActivationGradients = sampledPreActivationGradients;
    }

    /** A gradient whose thin factors are unknown. */
    public LayerGradient(Matrix gradient) {
        this(gradient, null, null);
    }

    /** Gradient of the mini-batch's mean loss, m x (n + 1), bias last. */
    public Matrix gradient() {
        return gradient;
    }

    /** Augmented inputs of the layer, one example per row, B x (n + 1); the last column is 1. */
    public Matrix activations() {
        return known(activations);
    }

    /** Derivatives of each example's own, un-averaged loss with respect to the layer's pre-activations, B x m. */
    public Matrix preActivationGradients() {
        return known(preActivationGradients);
    }

    /**
     * As {@link #preActivationGradients()}, for targets drawn from the distribution that the model predicts, B x m: the
     * second moments of their products with the activations are the Fisher matrix.
     */
    public Matrix sampledPreActivationGradients() {
        if (sampledPreActivationGradients == null) {
            throw new IllegalStateException("No targets were sampled for this gradient");
        }
        return sampledPreActivationGradients;
    }

    /** Examples in the mini-batch, B. */
    public int batch() {
        return activations().rows();
    }

    private static Matrix known(Matrix factor) {
        if (factor == null) {
            throw new IllegalStateException("The thin factors of this gradient are unknown");
        }
        return factor;
    }

    /** Whether an optimizer may see it: every element is finite, and so are sums of their squares in single precision. */
    public boolean isFinite() {
        return gradient.squaredNorm() <= LARGEST_SQUARE;
    }
}
