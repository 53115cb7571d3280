// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

/**
 * Shape of a layer's parameters {@code [W | b]}: the bias is the last column.
 *
 * @param rows outputs of the layer
 * @param columns inputs of the layer, plus one
 */
public record LayerShape(int rows, int columns) {}
