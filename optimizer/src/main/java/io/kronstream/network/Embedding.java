// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

/**
 * A table of learned vectors, one for each id.
 *
 * @param name of the table
 * @param ids how many there are: 0 to ids - 1
 * @param width length of a vector
 * @param pooling how the vectors of several ids become one
 */
public record Embedding(String name, int ids, int width, Pooling pooling) {}
