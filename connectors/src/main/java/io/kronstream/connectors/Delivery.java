// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

/** What a sink promises when the job recovers from a failure. */
public enum Delivery {
    /** A record may appear twice; it appears at once. */
    AT_LEAST_ONCE,
    /** To readers of committed records each one appears once; it appears when the checkpoint after it completes. */
    EXACTLY_ONCE
}
