// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** One layer of a network, between its inputs and the dense layer without activation that gives its outputs. */
public sealed interface LayerSpec extends Serializable {

    /** {@code W x + b}. */
    record Dense(int units) implements LayerSpec {
        @Override
        public String text() {
            return DENSE + " " + units;
        }
    }

    /** An elementwise function. */
    record Activate(Activation function) implements LayerSpec {
        @Override
        public String text() {
            return function.name().toLowerCase(Locale.ROOT);
        }
    }

    /** {@linkplain LayerNorm Layer norm}: each example by its own mean and deviation, then a gain and a bias per unit. */
    record Norm() implements LayerSpec {
        @Override
        public String text() {
            return NORM;
        }
    }

    /** As {@link #parse} reads it. */
    String text();

    /**
     * The layers of a text such as {@code [dense: 128, layer-norm, relu]}.
     *
     * @throws IllegalArgumentException if it is none; the message says which layer
     */
    static List<LayerSpec> parse(String text) {
        String list = text.strip();
        if (list.startsWith("[") && list.endsWith("]")) {
            list = list.substring(1, list.length() - 1).strip();
        }
        List<LayerSpec> layers = new ArrayList<>();
        if (!list.isEmpty()) {
            for (String layer : list.split(",", -1)) {
                layers.add(parseOne(layer.strip()));
            }
        }
        return layers;
    }

    private static LayerSpec parseOne(String text) {
        if (text.equals(NORM)) {
            return new Norm();
        }
        for (Activation activation : Activation.values()) {
            if (text.equals(new Activate(activation).text())) {
                return new Activate(activation);
            }
        }
        if (text.startsWith(DENSE)) {
            try {
                return new Dense(Integer.parseInt(text.substring(DENSE.length()).strip()));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "a dense layer is written 'dense: 128', with its units, was '" + text + "'");
            }
        }
        throw new IllegalArgumentException("there is no layer '" + text + "'; there are 'dense: UNITS', " + NORM + ", "
                + Arrays.stream(Activation.values())
                        .map(activation -> new Activate(activation).text())
                        .collect(Collectors.joining(", ")));
    }

    String DENSE = "dense:";
    String NORM = "layer-norm";

    /** Hidden dense layers with one activation. */
    static List<LayerSpec> hidden(List<Integer> units, Activation activation) {
        List<LayerSpec> layers = new ArrayList<>();
        for (int count : units) {
            layers.add(new Dense(count));
            if (activation != Activation.IDENTITY) {
                layers.add(new Activate(activation));
            }
        }
        return layers;
    }
}
