// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

/** Elementwise function of a hidden layer. */
public enum Activation {
    IDENTITY,
    RELU,
    TANH
}
