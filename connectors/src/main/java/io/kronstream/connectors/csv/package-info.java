// SPDX-License-Identifier: Apache-2.0
/** Rows of comma-separated text: files of them, and the fields of one. Nothing here knows Kafka or Flink. */
package io.kronstream.connectors.csv;
