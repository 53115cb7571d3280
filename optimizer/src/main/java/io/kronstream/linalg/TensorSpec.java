// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

/**
 * Declares one tensor of a model's memory.
 *
 * @param name unique within the model, for example {@code layer0.left}
 * @param rows number of rows, at least 1
 * @param columns number of columns, at least 1
 * @param symmetric whether the tensor is square and exactly symmetric; only its upper triangle is then stored
 */
public record TensorSpec(String name, int rows, int columns, boolean symmetric) {
    public TensorSpec {
        if (rows < 1 || columns < 1) {
            throw new IllegalArgumentException(
                    "Tensor " + name + " must have at least one row and column, was " + rows + " x " + columns);
        }
        if (symmetric && rows != columns) {
            throw new IllegalArgumentException(
                    "Symmetric tensor " + name + " must be square, was " + rows + " x " + columns);
        }
    }

    public static TensorSpec dense(String name, int rows, int columns) {
        return new TensorSpec(name, rows, columns, false);
    }

    public static TensorSpec symmetric(String name, int size) {
        return new TensorSpec(name, size, size, true);
    }

    /** Stored elements: {@code rows * columns}, or the upper triangle with diagonal of a symmetric tensor. */
    public long packedLength() {
        return symmetric ? (long) rows * (rows + 1) / 2 : (long) rows * columns;
    }

    public TensorSpec prefixed(String prefix) {
        return new TensorSpec(prefix + name, rows, columns, symmetric);
    }
}
