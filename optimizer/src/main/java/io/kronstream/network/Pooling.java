// SPDX-License-Identifier: Apache-2.0
package io.kronstream.network;

/** How the vectors of several ids become one. */
public enum Pooling {
    SUM,
    MEAN
}
