// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import java.util.ArrayList;
import java.util.List;

/**
 * What happens to the inputs of a dense layer before it: activations and norms, one after the other. Each works in place
 * where its derivative can be told from its output; the others read from a buffer of their own.
 */
final class Chain implements AutoCloseable {
    /**
     * One layer: an activation, or a norm with its place among the parameters.
     *
     * @param input what it reads, or null if it works in place
     */
    record Link(Activation activation, LayerNorm norm, int parameters, Matrix input) {}

    private final List<Link> links = new ArrayList<>();

    /** Views of the rows in use: link j reads at j and writes at j + 1. */
    private Matrix[] at;

    /** The last of them with its column of ones, without gaps between its rows. */
    private Matrix result;

    /**
     * @param layers none of them dense
     * @param width of the inputs
     * @param firstNorm place of the first norm's parameters
     * @param keepEntry whether what is written to the entry must outlive the pass
     */
    Chain(Precision precision, List<LayerSpec> layers, int width, int maxBatch, int firstNorm, boolean keepEntry) {
        int norms = firstNorm;
        for (LayerSpec layer : layers) {
            boolean norm = layer instanceof LayerSpec.Norm;
            Activation activation = layer instanceof LayerSpec.Activate activate ? activate.function() : null;
            boolean kept = norm || activation.keepsInput() || keepEntry && links.isEmpty();
            links.add(new Link(
                    activation,
                    norm ? new LayerNorm(precision, width, maxBatch) : null,
                    norm ? norms++ : -1,
                    kept ? Matrix.create(precision, maxBatch, width) : null));
        }
    }

    List<LayerNorm> norms() {
        return links.stream().filter(link -> link.norm != null).map(Link::norm).toList();
    }

    int size() {
        return links.size();
    }

    Link link(int index) {
        return links.get(index);
    }

    /** What a link's derivative is computed from: its inputs, or else its outputs. */
    Matrix kept(int index) {
        Link link = links.get(index);
        return link.norm != null || link.activation.keepsInput() ? at[index] : at[index + 1];
    }

    boolean isEmpty() {
        return links.isEmpty();
    }

    /** What to write an example's inputs to, for as many rows as there can be; the dense layer's own if there is no link. */
    Matrix store(Matrix inputs) {
        return links.isEmpty() ? inputs : links.get(0).input;
    }

    /**
     * Makes ready for passes of so many rows.
     *
     * @param inputs of the dense layer, with their column of ones
     */
    void use(int rows, Matrix inputs) {
        result = inputs;
        at = new Matrix[links.size() + 1];
        at[links.size()] = inputs.leftColumns(inputs.columns() - 1);
        for (int j = links.size() - 1; j >= 0; j--) {
            at[j] = links.get(j).input == null ? at[j + 1] : links.get(j).input.topRows(rows);
        }
    }

    /** Where the layer before writes its results. */
    Matrix entry() {
        return at[0];
    }

    void forward(List<Matrix> parameters) {
        for (int j = 0; j < links.size(); j++) {
            Link link = links.get(j);
            if (link.norm != null) {
                link.norm.forward(at[j], at[j + 1], parameters.get(link.parameters));
                continue;
            }
            if (link.input != null) {
                at[j + 1].copyFrom(at[j]);
            }
            // With the column of ones, which relu leaves alone: one run instead of one per row.
            boolean whole = link.activation == Activation.RELU && at[j + 1] == at[links.size()];
            link.activation.apply(whole ? result : at[j + 1]);
        }
    }

    /**
     * From the derivatives at the result to those at the entry, in place.
     *
     * @param learn whether the norms' gradients are to be taken from them
     */
    void backward(Matrix deltas, List<Matrix> parameters, boolean learn) {
        for (int j = links.size() - 1; j >= 0; j--) {
            Link link = links.get(j);
            if (link.norm != null) {
                link.norm.backward(deltas, at[j], parameters.get(link.parameters), learn);
            } else {
                link.activation.differentiate(deltas, link.activation.keepsInput() ? at[j] : at[j + 1]);
            }
        }
    }

    @Override
    public void close() {
        for (Link link : links) {
            if (link.norm != null) {
                link.norm.close();
            }
            if (link.input != null) {
                link.input.close();
            }
        }
    }
}
