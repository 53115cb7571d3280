// SPDX-License-Identifier: Apache-2.0
/**
 * Dense layers and losses. Forward and backward passes yield what matrix-aware optimizers need: gradients, augmented
 * activations and per-example pre-activation gradients.
 */
package io.kronstream.network;
