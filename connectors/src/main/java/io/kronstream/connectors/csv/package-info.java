// SPDX-License-Identifier: Apache-2.0
/** Rows of text: lines of a file, and the fields of one that is comma-separated. Nothing here knows Kafka or Flink. */
package io.kronstream.connectors.csv;
