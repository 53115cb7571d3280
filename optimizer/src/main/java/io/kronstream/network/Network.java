// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import io.kronstream.linalg.Elementwise;
import io.kronstream.linalg.Kernel;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.SquareScratch;
import java.util.ArrayList;
import java.util.List;

/**
 * Dense layers with one loss, and scratch memory for mini-batches of up to a given size. It holds no parameters: any
 * number of models of one shape can use it, one after the other. Not thread-safe.
 *
 * <p>Parameters are one matrix {@code [W | b]} per layer, outputs x (inputs + 1). The last layer is linear; the loss
 * works on its raw outputs.
 */
public final class Network implements AutoCloseable {
    private final Activation activation;
    private final Loss loss;
    private final List<LayerShape> shapes;

    /** Augmented inputs of each layer, maxBatch x (inputs + 1). The layer before writes all columns but the last, 1. */
    private final Matrix[] inputs;

    /** Derivatives of the un-averaged loss with respect to each layer's pre-activations, maxBatch x outputs. */
    private final Matrix[] deltas;

    /** The same for sampled targets; made when they are first asked for. */
    private final Matrix[] sampledDeltas;

    private final Precision precision;
    private final int maxBatch;
    private final Matrix outputs;
    private final Matrix[] gradients;
    private final SquareScratch gramOfOutputs;
    private final SquareScratch gramOfInputs;
    private final double[] outputRow;
    private final double[] deltaRow;
    private final double[] sampledTargets;

    /** Views of the rows in use, made anew when the number of rows changes. */
    private Views views;

    /**
     * @param precision of parameters and results
     * @param inputs features of an example
     * @param hidden units of each hidden layer
     * @param outputs raw outputs
     * @param activation of the hidden layers
     * @param maxBatch largest number of examples of a pass
     */
    public Network(
            Precision precision,
            int inputs,
            List<Integer> hidden,
            int outputs,
            Activation activation,
            Loss loss,
            int maxBatch) {
        this.precision = precision;
        this.maxBatch = maxBatch;
        this.activation = activation;
        this.loss = loss;
        List<LayerShape> layers = new ArrayList<>();
        int width = inputs;
        for (int units : hidden) {
            layers.add(new LayerShape(units, width + 1));
            width = units;
        }
        layers.add(new LayerShape(outputs, width + 1));
        this.shapes = List.copyOf(layers);
        int depth = shapes.size();
        this.inputs = new Matrix[depth];
        this.deltas = new Matrix[depth];
        this.sampledDeltas = new Matrix[depth];
        this.gradients = new Matrix[depth];
        this.gramOfOutputs = new SquareScratch(precision);
        this.gramOfInputs = new SquareScratch(precision);
        for (int i = 0; i < depth; i++) {
            LayerShape shape = shapes.get(i);
            this.inputs[i] = Matrix.create(precision, maxBatch, shape.columns());
            for (int row = 0; row < maxBatch; row++) {
                this.inputs[i].set(row, shape.columns() - 1, 1);
            }
            this.deltas[i] = Matrix.create(precision, maxBatch, shape.rows());
            this.gradients[i] = Matrix.create(precision, shape.rows(), shape.columns());
        }
        this.outputs = Matrix.create(precision, maxBatch, outputs);
        this.outputRow = new double[outputs];
        this.deltaRow = new double[outputs];
        this.sampledTargets = new double[outputs];
    }

    /** Shapes of the layers' parameters, from the input on. */
    public List<LayerShape> shapes() {
        return shapes;
    }

    /** Sets the features of one example of the coming pass. */
    public void setInput(int row, float[] features) {
        int columns = inputs[0].columns();
        if (features.length != columns - 1) {
            throw new IllegalArgumentException("An example has " + (columns - 1) + " features, was " + features.length);
        }
        inputs[0].write(row * columns, features, 0, features.length);
    }

    /** Computes the outputs of the first {@code rows} examples. */
    public void forward(List<Matrix> parameters, int rows) {
        if (views == null || views.rows != rows) {
            views = new Views(rows);
        }
        int depth = shapes.size();
        for (int i = 0; i < depth; i++) {
            Matrix result = i + 1 < depth ? views.hidden[i + 1] : views.outputs;
            result.multiply(1, views.inputs[i], false, parameters.get(i), true, 0);
            if (i + 1 < depth) {
                activate(i + 1);
            }
        }
    }

    private void activate(int layer) {
        switch (activation) {
            case IDENTITY -> {}
                // With the column of ones, which it leaves alone: one run instead of one per row.
            case RELU -> Elementwise.run(Relu.FORWARD, 1, views.inputs[layer]);
            case TANH -> Elementwise.run(Tanh.FORWARD, 1, views.hidden[layer]);
        }
    }

    /** Raw output of the last forward pass: a value, or a logit. */
    public double output(int row, int column) {
        return outputs.get(row, column);
    }

    /**
     * Computes the gradients of the last forward pass, which had these parameters and as many rows.
     *
     * @param targets rows x outputs, row by row; for the softmax one class index per row
     * @return the mean loss
     */
    public double backward(List<Matrix> parameters, double[] targets, int rows) {
        if (views == null || views.rows != rows) {
            throw new IllegalStateException("The backward pass must follow a forward pass of as many rows");
        }
        double mean = outputDeltas(targets, rows);
        for (int i = shapes.size() - 1; i >= 0; i--) {
            views.layerGradients[i].renew();
            if (i > 0) {
                propagate(i, parameters.get(i), views.deltas[i], views.deltas[i - 1]);
            }
        }
        return mean;
    }

    /**
     * Adds to the last backward pass the gradients for targets that are drawn from the distribution which the outputs
     * stand for: {@link LayerGradient#sampledPreActivationGradients()}.
     *
     * @param parameters those of the last forward pass
     * @param noise drawn from row by row
     */
    public void backwardSampled(List<Matrix> parameters, Noise noise, int rows) {
        if (views == null || views.rows != rows) {
            throw new IllegalStateException("The backward pass must follow a forward pass of as many rows");
        }
        int depth = shapes.size();
        Matrix[] sampled = new Matrix[depth];
        for (int i = 0; i < depth; i++) {
            if (sampledDeltas[i] == null) {
                sampledDeltas[i] =
                        Matrix.create(precision, maxBatch, shapes.get(i).rows());
            }
            sampled[i] = sampledDeltas[i].topRows(rows);
            views.layerGradients[i].addSamples(sampled[i]);
        }
        int width = outputRow.length;
        for (int row = 0; row < rows; row++) {
            outputs.read(row * width, outputRow, 0, width);
            loss.sample(outputRow, noise, sampledTargets);
            loss.evaluate(outputRow, sampledTargets, 0, deltaRow);
            sampledDeltas[depth - 1].write(row * width, deltaRow, 0, width);
        }
        for (int i = depth - 1; i > 0; i--) {
            propagate(i, parameters.get(i), sampled[i], sampled[i - 1]);
        }
    }

    /** From the derivatives at a layer to those at the layer before. */
    private void propagate(int layer, Matrix parameters, Matrix deltas, Matrix before) {
        Matrix weights = parameters.leftColumns(shapes.get(layer).columns() - 1);
        before.multiply(1, deltas, false, weights, false, 0);
        switch (activation) {
            case IDENTITY -> {}
            case RELU -> Elementwise.run(Relu.BACKWARD, 1, before, views.hidden[layer]);
            case TANH -> Elementwise.run(Tanh.BACKWARD, 1, before, views.hidden[layer]);
        }
    }

    private double outputDeltas(double[] targets, int rows) {
        int width = outputRow.length;
        Matrix delta = deltas[deltas.length - 1];
        double sum = 0;
        for (int row = 0; row < rows; row++) {
            outputs.read(row * width, outputRow, 0, width);
            sum += loss.evaluate(outputRow, targets, row * loss.targets(width), deltaRow);
            delta.write(row * width, deltaRow, 0, width);
        }
        return sum / rows;
    }

    /** What the last backward pass says about a layer; the views are valid until the next forward pass. */
    public LayerGradient gradient(int layer) {
        return views.layerGradients[layer];
    }

    @Override
    public void close() {
        for (int i = 0; i < inputs.length; i++) {
            inputs[i].close();
            deltas[i].close();
            if (sampledDeltas[i] != null) {
                sampledDeltas[i].close();
            }
            gradients[i].close();
        }
        outputs.close();
        gramOfOutputs.close();
        gramOfInputs.close();
    }

    private final class Views {
        final int rows;
        final Matrix[] inputs = new Matrix[shapes.size()];
        final Matrix[] hidden = new Matrix[shapes.size()];
        final Matrix[] deltas = new Matrix[shapes.size()];
        final LayerGradient[] layerGradients = new LayerGradient[shapes.size()];
        final Matrix outputs;

        Views(int rows) {
            this.rows = rows;
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = Network.this.inputs[i].topRows(rows);
                hidden[i] = inputs[i].leftColumns(inputs[i].columns() - 1);
                deltas[i] = Network.this.deltas[i].topRows(rows);
                layerGradients[i] = LayerGradient.lazy(gradients[i], inputs[i], deltas[i], gramOfOutputs, gramOfInputs);
            }
            outputs = Network.this.outputs.topRows(rows);
        }
    }

    /** {@code max(0, z)}; the derivative at 0 is 0. */
    private enum Relu implements Kernel {
        FORWARD {
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
        },
        BACKWARD {
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
    }

    private enum Tanh implements Kernel {
        FORWARD {
            @Override
            public void apply(float[][] tiles, int length) {
                float[] x = tiles[0];
                for (int i = 0; i < length; i++) {
                    x[i] = tanh(x[i]);
                }
            }

            @Override
            public void apply(double[][] tiles, int length) {
                double[] x = tiles[0];
                for (int i = 0; i < length; i++) {
                    x[i] = StrictMath.tanh(x[i]);
                }
            }
        },
        BACKWARD {
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
    }

    /**
     * The hyperbolic tangent by arithmetic alone, equal on every machine: Lambert's continued fraction of x/4, cut to
     * degree 5 over 4, doubled twice by {@code tanh 2y = 2 tanh y / (1 + tanh^2 y)}. Off by less than 4 units in the
     * last place.
     */
    static float tanh(float x) {
        // Beyond 9.02 the nearest float is 1.
        float y = 0.25f * Math.min(9.02f, Math.max(-9.02f, x));
        float s = y * y;
        float numerator = y * (945 + s * (105 + s));
        float denominator = 945 + s * (420 + s * 15);
        float half = doubled(numerator / denominator);
        return Math.min(1, Math.max(-1, doubled(half)));
    }

    private static float doubled(float t) {
        return (t + t) / (1 + t * t);
    }
}
