// SPDX-License-Identifier: Apache-2.0
/**
 * Matrices, their BLAS and LAPACK, and the memory of a model. The only package that sees ND4J and OpenBLAS; a
 * twin in double precision on the heap is what tests compare with.
 */
package io.kronstream.linalg;
