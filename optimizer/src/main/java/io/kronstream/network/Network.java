// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.SquareScratch;
import java.util.ArrayList;
import java.util.List;

/**
 * Layers with one loss, and scratch memory for mini-batches of up to a given size. It holds no parameters: any number of
 * models of one {@link Architecture} can use it, one after the other. Not thread-safe.
 *
 * <p>Parameters are a list of matrices, in this order:
 *
 * <ul>
 *   <li>of each dense layer {@code [W | b]}, outputs x (inputs + 1); the last one gives the outputs;
 *   <li>of each layer norm {@code [gain | bias]}, width x 2;
 *   <li>of each table the ids' vectors, each followed by the id's weight for each output, ids x (width + outputs).
 * </ul>
 */
public final class Network implements AutoCloseable {
    /** Outputs that are read at once, where an example has fewer. */
    private static final int CHUNK = 512;

    private final Loss loss;
    private final List<LayerShape> shapes;
    private final List<LayerShape> norms;
    private final List<LayerShape> tables;

    /** What happens to the inputs of each dense layer before it. */
    private final Chain[] chains;

    private final List<LayerNorm> layerNorms = new ArrayList<>();

    /** Null if there are no tables. */
    private final Embeddings embeddings;

    /** Augmented inputs of each layer, maxBatch x (inputs + 1). The layer before writes all columns but the last, 1. */
    private final Matrix[] inputs;

    /** Derivatives of the un-averaged loss with respect to each layer's pre-activations, maxBatch x outputs. */
    private final Matrix[] deltas;

    /** The same for sampled targets; made when they are first asked for. */
    private final Matrix[] sampledDeltas;

    /** The same for the inputs that a norm or a table is behind; null if there is neither. */
    private final Matrix inputDeltas;

    private final Precision precision;
    private final int maxBatch;
    private final Matrix outputs;
    private final Matrix[] gradients;
    private final SquareScratch gramOfOutputs;
    private final SquareScratch gramOfInputs;
    private final double[] chunk;
    private final double[] outputRow;
    private final double[] deltaRow;
    private final double[] sampledTargets;

    /** Of each example of the last backward pass its weight in units of their mean; null if all are equal. */
    private double[] weights;

    /** Made when it is first asked for. */
    private HessianProduct hessian;

    /** Whether it is of the last backward pass. */
    private boolean hessianKnown;

    /** Views of the rows in use, made anew when the number of rows changes. */
    private Views views;

    /** Dense layers with one activation between them; the parameters are as {@link Architecture#dense} says. */
    public Network(
            Precision precision,
            int inputs,
            List<Integer> hidden,
            int outputs,
            Activation activation,
            Loss loss,
            int maxBatch) {
        this(precision, Architecture.dense(inputs, hidden, outputs, activation, loss), maxBatch);
    }

    /**
     * @param precision of parameters and results
     * @param maxBatch largest number of examples of a pass
     */
    public Network(Precision precision, Architecture architecture, int maxBatch) {
        this.precision = precision;
        this.maxBatch = maxBatch;
        this.loss = architecture.loss();
        this.shapes = List.copyOf(architecture.dense());
        this.tables = List.copyOf(architecture.tables());
        this.embeddings = tables.isEmpty() ? null : new Embeddings(architecture, maxBatch);
        int depth = shapes.size();
        this.chains = new Chain[depth];
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
            int firstNorm = depth + layerNorms.size();
            this.chains[i] = new Chain(
                    precision, architecture.between().get(i), shape.columns() - 1, maxBatch, firstNorm, i == 0);
            layerNorms.addAll(chains[i].norms());
        }
        this.norms = layerNorms.stream()
                .map(norm -> new LayerShape(norm.gradient().rows(), 2))
                .toList();
        int behind = !chains[0].isEmpty() ? shapes.get(0).columns() - 1 : architecture.embedded();
        this.inputDeltas = behind == 0 ? null : Matrix.create(precision, maxBatch, behind);
        int width = architecture.outputs();
        this.outputs = Matrix.create(precision, maxBatch, width);
        this.chunk = new double[width * Math.max(1, CHUNK / width)];
        this.outputRow = new double[width];
        this.deltaRow = new double[width];
        this.sampledTargets = new double[width];
    }

    /** Shapes of the dense layers' parameters, from the input on. */
    public List<LayerShape> shapes() {
        return shapes;
    }

    /** Shapes of the layer norms' parameters, from the input on. */
    public List<LayerShape> norms() {
        return norms;
    }

    /** Shapes of the tables. */
    public List<LayerShape> tables() {
        return tables;
    }

    /** Sets the numbers of one example of the coming pass. */
    public void setInput(int row, float[] features) {
        Matrix store = chains[0].store(inputs[0]);
        int first = embeddings == null ? 0 : embeddings.width();
        int numbers = inputs[0].columns() - 1 - first;
        if (features.length != numbers) {
            throw new IllegalArgumentException("An example has " + numbers + " features, was " + features.length);
        }
        store.write(row * store.columns() + first, features, 0, features.length);
    }

    /** Sets the ids of one example of the coming pass: of each table how many there are, then the ids. */
    public void setIds(int row, int[] ids) {
        if (embeddings != null) {
            embeddings.set(row, ids);
        }
    }

    /** Computes the outputs of the first {@code rows} examples. */
    public void forward(List<Matrix> parameters, int rows) {
        if (views == null || views.rows != rows) {
            views = new Views(rows);
        }
        int depth = shapes.size();
        if (embeddings != null) {
            embeddings.forward(ofTables(parameters), chains[0].entry(), rows);
        }
        chains[0].forward(parameters);
        for (int i = 0; i < depth; i++) {
            Matrix result = i + 1 < depth ? chains[i + 1].entry() : views.outputs;
            result.multiply(1, views.inputs[i], false, parameters.get(i), true, 0);
            if (i + 1 < depth) {
                chains[i + 1].forward(parameters);
            }
        }
        if (embeddings != null) {
            embeddings.addWeights(outputs, rows);
        }
    }

    private List<Matrix> ofTables(List<Matrix> parameters) {
        return parameters.subList(shapes.size() + norms.size(), parameters.size());
    }

    /** How many outputs there are. */
    public int outputs() {
        return outputs.columns();
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
        return backward(parameters, targets, null, rows);
    }

    /**
     * The same for the weighted mean of the examples' losses. What a {@link LayerGradient} tells of single examples is
     * weighted too, so that means over the mini-batch are weighted means. If no example has weight, the mean is 0.
     *
     * @param exampleWeights one per row, finite and not negative; null for equal ones
     */
    public double backward(List<Matrix> parameters, double[] targets, double[] exampleWeights, int rows) {
        requirePass(rows);
        weights = relative(exampleWeights, rows);
        hessianKnown = false;
        double mean = outputDeltas(targets, rows);
        for (int i = shapes.size() - 1; i >= 0; i--) {
            views.layerGradients[i].renew();
            if (i > 0) {
                propagate(i, parameters, views.deltas[i], views.deltas[i - 1], true);
            }
        }
        if (inputDeltas != null) {
            propagate(0, parameters, views.deltas[0], views.inputDeltas, true);
        }
        if (embeddings != null) {
            embeddings.backward(inputDeltas, deltas[deltas.length - 1], rows);
        }
        return mean;
    }

    /**
     * The mean loss of the last forward pass, which had as many rows, without its gradients, weighted as in the last
     * backward pass.
     *
     * @param targets as of {@link #backward}
     */
    public double loss(double[] targets, int rows) {
        int width = outputRow.length;
        double sum = 0;
        for (int row = 0; row < rows; row++) {
            outputs.read(row * width, outputRow, 0, width);
            sum += weight(row) * loss.evaluate(outputRow, targets, row * loss.targets(width), deltaRow);
        }
        return sum / rows;
    }

    private static double[] relative(double[] weights, int rows) {
        double sum = 0;
        boolean equal = true;
        for (int row = 0; weights != null && row < rows; row++) {
            sum += weights[row];
            equal &= weights[row] == weights[0];
        }
        if (weights == null || equal && sum > 0) {
            return null;
        }
        double[] relative = new double[rows];
        for (int row = 0; row < rows && sum > 0; row++) {
            relative[row] = weights[row] / sum * rows;
        }
        return relative;
    }

    private double weight(int row) {
        return weights == null ? 1 : weights[row];
    }

    /** Multiplies the derivatives of an example. */
    private void scaleDelta(double factor) {
        for (int i = 0; factor != 1 && i < deltaRow.length; i++) {
            deltaRow[i] *= factor;
        }
    }

    /**
     * Adds to the last backward pass the gradients for targets that are drawn from the distribution which the outputs
     * stand for: {@link LayerGradient#sampledPreActivationGradients()}.
     *
     * @param parameters those of the last forward pass
     * @param noise drawn from row by row
     */
    public void backwardSampled(List<Matrix> parameters, Noise noise, int rows) {
        requirePass(rows);
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
            scaleDelta(Math.sqrt(weight(row))); // so that second moments are weighted
            sampledDeltas[depth - 1].write(row * width, deltaRow, 0, width);
        }
        for (int i = depth - 1; i > 0; i--) {
            propagate(i, parameters, sampled[i], sampled[i - 1], false);
        }
    }

    /**
     * Adds to the last backward pass the product of the loss's Hessian with a random direction: {@link
     * LayerGradient#hessianProduct()} of dense layers and norms. Tables count as constants.
     *
     * @param parameters those of the last forward pass
     * @param noise drawn from layer by layer, norms last, row by row
     */
    public void backwardHessian(List<Matrix> parameters, Noise noise, int rows) {
        requirePass(rows);
        if (hessian == null) {
            hessian = new HessianProduct(precision, shapes, norms, chains, loss, maxBatch);
        }
        hessian.draw(noise);
        hessian.compute(parameters, views.inputs, views.deltas, views.outputs, weights);
        for (int i = 0; i < shapes.size(); i++) {
            views.layerGradients[i].withHessianProduct(hessian.products().get(i));
        }
        hessianKnown = true;
    }

    /** The direction of the last {@link #backwardHessian} at each dense layer, then at each norm. */
    List<Matrix> hessianDirections() {
        return hessian.directions();
    }

    private void requirePass(int rows) {
        if (views == null || views.rows != rows) {
            throw new IllegalStateException("The backward pass must follow a forward pass of as many rows");
        }
    }

    /** From the derivatives at a dense layer to those at the layer before; of the inputs as many as are wanted. */
    private void propagate(int layer, List<Matrix> parameters, Matrix deltas, Matrix before, boolean learn) {
        Matrix weights = parameters.get(layer).leftColumns(before.columns());
        before.multiply(1, deltas, false, weights, false, 0);
        chains[layer].backward(before, parameters, learn);
    }

    private double outputDeltas(double[] targets, int rows) {
        int width = outputRow.length;
        int targetsOfRow = loss.targets(width);
        Matrix delta = deltas[deltas.length - 1];
        double sum = 0;
        for (int first = 0; first < rows; first += chunk.length / width) {
            int count = Math.min(chunk.length / width, rows - first);
            outputs.read(first * width, chunk, 0, count * width);
            for (int i = 0; i < count; i++) {
                System.arraycopy(chunk, i * width, outputRow, 0, width);
                double weight = weight(first + i);
                sum += weight * loss.evaluate(outputRow, targets, (first + i) * targetsOfRow, deltaRow);
                scaleDelta(weight);
                System.arraycopy(deltaRow, 0, chunk, i * width, width);
            }
            delta.write(first * width, chunk, 0, count * width);
        }
        return sum / rows;
    }

    /** What the last backward pass says about a dense layer; the views are valid until the next forward pass. */
    public LayerGradient gradient(int layer) {
        return views.layerGradients[layer];
    }

    /** What the last backward pass says about a layer norm. */
    public LayerGradient normGradient(int norm) {
        LayerGradient gradient = new LayerGradient(layerNorms.get(norm).gradient());
        return hessianKnown ? gradient.withHessianProduct(hessian.products().get(shapes.size() + norm)) : gradient;
    }

    /** What the last backward pass says about a table. */
    public RowGradient rowGradient(int table) {
        return embeddings.gradient(table);
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
            chains[i].close();
        }
        if (inputDeltas != null) {
            inputDeltas.close();
        }
        if (hessian != null) {
            hessian.close();
        }
        outputs.close();
        gramOfOutputs.close();
        gramOfInputs.close();
    }

    private final class Views {
        final int rows;
        final Matrix[] inputs = new Matrix[shapes.size()];
        final Matrix[] deltas = new Matrix[shapes.size()];
        final LayerGradient[] layerGradients = new LayerGradient[shapes.size()];
        final Matrix inputDeltas;
        final Matrix outputs;

        Views(int rows) {
            this.rows = rows;
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = Network.this.inputs[i].topRows(rows);
                chains[i].use(rows, inputs[i]);
                deltas[i] = Network.this.deltas[i].topRows(rows);
                layerGradients[i] = LayerGradient.lazy(gradients[i], inputs[i], deltas[i], gramOfOutputs, gramOfInputs);
            }
            inputDeltas = Network.this.inputDeltas == null ? null : Network.this.inputDeltas.topRows(rows);
            outputs = Network.this.outputs.topRows(rows);
        }
    }
}
