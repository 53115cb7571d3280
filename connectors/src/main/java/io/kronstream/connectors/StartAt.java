// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

/** Where a reader of the examples begins that has no state to continue from. */
public enum StartAt {
    /** At the oldest record that the topic still holds. */
    EARLIEST,
    /** With the records that come from now on. */
    LATEST,
    /** Where the consumer group has committed that it was; at the oldest record where it has not. */
    COMMITTED
}
