// SPDX-License-Identifier: Apache-2.0
/**
 * How bytes hold rows: one file per format behind {@link io.kronstream.connectors.format.RowFormat}. A format knows
 * columns by name; what a column means is decided elsewhere.
 */
package io.kronstream.connectors.format;
