// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import java.util.ArrayList;
import java.util.List;

/**
 * What a network is made of. Its inputs are, in this order: the pooled vector of each table, the products, the numbers.
 *
 * @param inputs numbers of an example
 * @param embeddings tables of an example's ids
 * @param products pairs of tables of one width whose pooled vectors' elementwise product is an input
 * @param layers from the inputs on, without the output layer
 * @param outputs raw outputs
 * @param loss of the raw outputs
 */
public record Architecture(
        int inputs,
        List<Embedding> embeddings,
        List<Product> products,
        List<LayerSpec> layers,
        int outputs,
        Loss loss) {

    /** Two tables, by their position. */
    public record Product(int first, int second) {}

    public Architecture {
        embeddings = List.copyOf(embeddings);
        products = List.copyOf(products);
        layers = List.copyOf(layers);
        for (Product product : products) {
            if (embeddings.get(product.first).width()
                    != embeddings.get(product.second).width()) {
                throw new IllegalArgumentException("The tables of a product must have one width");
            }
        }
    }

    /** Dense layers with one activation between them. */
    public static Architecture dense(int inputs, List<Integer> hidden, int outputs, Activation activation, Loss loss) {
        return new Architecture(inputs, List.of(), List.of(), LayerSpec.hidden(hidden, activation), outputs, loss);
    }

    /** Inputs that come from tables. */
    int embedded() {
        int width = 0;
        for (Embedding embedding : embeddings) {
            width += embedding.width();
        }
        for (Product product : products) {
            width += embeddings.get(product.first).width();
        }
        return width;
    }

    /** Shapes of the dense layers' parameters, from the input on, the output layer last. */
    public List<LayerShape> dense() {
        List<LayerShape> shapes = new ArrayList<>();
        int width = embedded() + inputs;
        for (LayerSpec layer : layers) {
            if (layer instanceof LayerSpec.Dense dense) {
                shapes.add(new LayerShape(dense.units(), width + 1));
                width = dense.units();
            }
        }
        shapes.add(new LayerShape(outputs, width + 1));
        return shapes;
    }

    /** The other layers, by the dense layer that they come before. */
    List<List<LayerSpec>> between() {
        List<List<LayerSpec>> between = new ArrayList<>();
        between.add(new ArrayList<>());
        for (LayerSpec layer : layers) {
            if (layer instanceof LayerSpec.Dense) {
                between.add(new ArrayList<>());
            } else {
                between.get(between.size() - 1).add(layer);
            }
        }
        return between;
    }

    /** Shapes of the tables: of each id its vector, then one weight for each output. */
    List<LayerShape> tables() {
        return embeddings.stream()
                .map(embedding -> new LayerShape(embedding.ids(), embedding.width() + outputs))
                .toList();
    }
}
