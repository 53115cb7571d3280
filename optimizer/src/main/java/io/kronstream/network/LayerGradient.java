// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import io.kronstream.linalg.Elementwise;
import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.SquareScratch;
import io.kronstream.linalg.Stopwatch;
import io.kronstream.linalg.Stopwatch.Work;

/**
 * What a mini-batch says about one layer. The matrices are views of scratch memory, valid until the network's next
 * forward pass; nobody but the network writes to them.
 */
public final class LayerGradient {
    /** Squares below it fit a float with room for the sums that an optimizer makes of them. */
    private static final double LARGEST_SQUARE = 0.25 * Float.MAX_VALUE;

    /** A bound of the norm that is far enough below it that no rounding reaches it. */
    private static final double SAFE_BOUND = Math.sqrt(0.5 * LARGEST_SQUARE);

    /** Sums of squares that inner products in single precision give reliably. */
    private static final double SMALLEST_SAFE = 1e-24;

    private static final double LARGEST_SAFE = 1e36;

    /** Products of four thin factors with smaller norms fit a float. */
    private static final double LARGEST_FACTOR = 1e8;

    /**
     * Of {@code |G|} in units of {@code |S| |A| / B}. Independent examples have 1 / sqrt(B); rounding errors of products
     * grow with its inverse square, here to 1e-4 at most.
     */
    private static final double LEAST_AGREEMENT = 0.025;

    /**
     * Of a band of rows, a mebibyte: it stays close to the processor from the product to the update. Of half as much, the
     * product takes a tenth longer, because OpenBLAS copies the inputs for each band anew.
     */
    private static final int BAND_ELEMENTS = 1 << 18;

    private final Matrix gradient;
    private final Matrix activations;
    private final Matrix preActivationGradients;
    private Matrix sampledPreActivationGradients;
    private Matrix hessianProduct;

    /** Whether {@link #gradient} holds the product of the thin factors. */
    private boolean formed;

    /** Negative if it is not known. */
    private double squaredNorm = -1;

    /** Of the thin factors; negative if they are not known. */
    private double activationsNorm = -1;

    private double preActivationGradientsNorm = -1;

    /** Null if it is not known. */
    private Boolean soundFactors;

    /** Scratch memory of the network; null if the gradient comes without one. */
    private SquareScratch gramOfOutputs;

    private SquareScratch gramOfInputs;

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
        this.formed = true;
    }

    /** One that is formed from its thin factors when it is first asked for. */
    static LayerGradient lazy(
            Matrix memory,
            Matrix activations,
            Matrix preActivationGradients,
            SquareScratch gramOfOutputs,
            SquareScratch gramOfInputs) {
        LayerGradient lazy = new LayerGradient(memory, activations, preActivationGradients, null);
        lazy.formed = false;
        lazy.gramOfOutputs = gramOfOutputs;
        lazy.gramOfInputs = gramOfInputs;
        return lazy;
    }

    /** The thin factors have changed. */
    void renew() {
        formed = false;
        squaredNorm = -1;
        activationsNorm = -1;
        preActivationGradientsNorm = -1;
        soundFactors = null;
        sampledPreActivationGradients = null;
        hessianProduct = null;
    }

    /**
     * The same statistics of a mini-batch beside a gradient that was changed, clipped say: it is no product of the thin
     * factors any more.
     */
    public LayerGradient changedTo(Matrix other) {
        LayerGradient changed =
                new LayerGradient(other, activations, preActivationGradients, sampledPreActivationGradients);
        changed.soundFactors = false;
        changed.hessianProduct = hessianProduct;
        return changed;
    }

    /** The gradient of a block of the parameters, as that of a layer of its own; forms this one. */
    public LayerGradient block(int row, int rows, int column, int columns) {
        Matrix part = gradient().block(row, rows, column, columns);
        if (!hasSoundFactors()) {
            return new LayerGradient(part);
        }
        return new LayerGradient(
                part,
                activations.block(0, batch(), column, columns),
                preActivationGradients.block(0, batch(), row, rows));
    }

    /** Adds what a backward pass from sampled targets gave. */
    void addSamples(Matrix sampled) {
        sampledPreActivationGradients = sampled;
    }

    /** The same gradient with what {@link #hessianProduct()} shall give. */
    public LayerGradient withHessianProduct(Matrix product) {
        hessianProduct = product;
        return this;
    }

    /**
     * Product of the Hessian of the mini-batch's mean loss, over all parameters of the network, with a direction whose
     * entries are 1 and -1: this layer's part, m x (n + 1).
     */
    public Matrix hessianProduct() {
        if (hessianProduct == null) {
            throw new IllegalStateException("No product with the Hessian was computed for this gradient");
        }
        return hessianProduct;
    }

    /** A gradient whose thin factors are unknown. */
    public LayerGradient(Matrix gradient) {
        this(gradient, null, null);
    }

    /** Rows of the gradient, m. */
    public int rows() {
        return gradient.rows();
    }

    /** Columns of the gradient, n + 1. */
    public int columns() {
        return gradient.columns();
    }

    /**
     * Gradient of the mini-batch's mean loss, m x (n + 1), bias last. Formed when it is first asked for: who can do with
     * the thin factors saves the product.
     */
    public Matrix gradient() {
        if (!formed) {
            Work before = Stopwatch.enter(Work.GRADIENT);
            gradient.multiply(1.0 / batch(), preActivationGradients, true, activations, false, 0);
            Stopwatch.leave(before);
            formed = true;
        }
        return gradient;
    }

    /**
     * Hands out the gradient's rows from the first to the last, some at a time. If it is not formed yet, it stays so: each
     * band is formed in the same memory, which so stays in the cache, and is to be used up before the next one.
     */
    public void forEachBand(Band band) {
        int bands = formed ? 1 : (int) Math.min(rows(), (long) rows() * columns() / BAND_ELEMENTS);
        if (bands <= 1) {
            band.take(0, gradient());
            return;
        }
        for (int i = 0; i < bands; i++) {
            int from = (int) ((long) rows() * i / bands);
            int height = (int) ((long) rows() * (i + 1) / bands) - from;
            Matrix rows = gradient.topRows(height);
            Work before = Stopwatch.enter(Work.GRADIENT);
            Matrix outputs = preActivationGradients.block(0, batch(), from, height);
            rows.multiply(1.0 / batch(), outputs, true, activations, false, 0);
            Stopwatch.leave(before);
            band.take(from, rows);
        }
    }

    /**
     * As {@link Elementwise#run}, with the gradient as the last operand, {@linkplain #forEachBand band by band}.
     *
     * @param operands of the gradient's shape
     */
    public void run(Kernel kernel, int written, Matrix... operands) {
        Matrix[] bands = new Matrix[operands.length + 1];
        forEachBand((row, band) -> {
            for (int i = 0; i < operands.length; i++) {
                bands[i] = operands[i].block(row, band.rows(), 0, columns());
            }
            bands[operands.length] = band;
            Elementwise.run(kernel, written, bands);
        });
    }

    /** What is done with a band of a gradient's rows. */
    @FunctionalInterface
    public interface Band {
        /**
         * @param row the gradient's row that is the band's first
         * @param band all columns of some rows
         */
        void take(int row, Matrix band);
    }

    /** Whether {@link #gradient()} costs nothing more. */
    public boolean isFormed() {
        return formed;
    }

    /**
     * Whether products with the gradient can as well be taken from {@link #activations()} and {@link
     * #preActivationGradients()}: they are known, far from the limits of a float, and the examples' gradients do not so
     * nearly cancel that their products would be lost in rounding.
     */
    public boolean hasSoundFactors() {
        if (activations == null) {
            return false;
        }
        if (soundFactors == null) {
            measureFactors();
            soundFactors = isModerate(activationsNorm)
                    && isModerate(preActivationGradientsNorm)
                    && batch() * norm() >= LEAST_AGREEMENT * activationsNorm * preActivationGradientsNorm;
        }
        return soundFactors;
    }

    private void measureFactors() {
        if (activationsNorm < 0) {
            activationsNorm = activations.norm();
            preActivationGradientsNorm = preActivationGradients.norm();
        }
    }

    private static boolean isModerate(double norm) {
        return norm >= 1 / LARGEST_FACTOR && norm <= LARGEST_FACTOR;
    }

    /** Sum of squares of the gradient's elements. */
    public double squaredNorm() {
        if (squaredNorm < 0) {
            squaredNorm =
                    formed || gramOfInputs == null || !thinner() ? gradient().squaredNorm() : thinSquaredNorm();
        }
        return squaredNorm;
    }

    /** Frobenius norm of the gradient. */
    public double norm() {
        return Math.sqrt(squaredNorm());
    }

    /** Whether the inner products of the thin factors' rows are cheaper to have than the gradient. */
    private boolean thinner() {
        double products = (double) batch() * (rows() + columns());
        return 2 * products < (double) rows() * columns();
    }

    /** {@code |S^T A|^2 = <S S^T, A A^T>}. */
    private double thinSquaredNorm() {
        Matrix outputs = gramOfOutputs.ofSize(batch());
        Matrix inputs = gramOfInputs.ofSize(batch());
        outputs.addGram(1.0 / batch(), preActivationGradients, false, 0);
        inputs.addGram(1.0 / batch(), activations, false, 0);
        double thin = outputs.dot(inputs);
        return thin > SMALLEST_SAFE && thin < LARGEST_SAFE ? thin : gradient().squaredNorm();
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

    /**
     * Whether an optimizer may see it: every element is finite, and so are sums of their squares in single precision. Most
     * gradients need not be looked at: {@code |G| <= |S| |A| / B}.
     */
    public boolean isFinite() {
        if (!formed && squaredNorm < 0) {
            measureFactors();
            if (activationsNorm * preActivationGradientsNorm / batch() <= SAFE_BOUND) {
                return true;
            }
        }
        return squaredNorm() <= LARGEST_SQUARE;
    }
}
