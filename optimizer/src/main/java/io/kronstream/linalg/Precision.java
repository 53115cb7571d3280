// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

/** Arithmetic of a matrix: single precision in native memory, or the double-precision reference on the heap. */
public enum Precision {
    FLOAT,
    DOUBLE
}
