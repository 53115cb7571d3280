// SPDX-License-Identifier: Apache-2.0
/**
 * Optimizers: one algorithm, one file, named as in its paper. All that an optimizer remembers of a layer is in the tensors
 * and counters that it declares.
 */
package io.kronstream.optimizers;
