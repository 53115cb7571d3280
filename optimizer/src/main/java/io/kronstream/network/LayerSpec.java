// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** One layer of a network, between its inputs and the dense layer without activation that gives its outputs. */
public sealed interface LayerSpec extends Serializable {

    /** {@code W x + b}. */
    record Dense(int units) implements LayerSpec {}

    /** An elementwise function. */
    record Activate(Activation function) implements LayerSpec {}

    /** {@linkplain LayerNorm Layer norm}: each example by its own mean and deviation, then a gain and a bias per unit. */
    record Norm() implements LayerSpec {}

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
