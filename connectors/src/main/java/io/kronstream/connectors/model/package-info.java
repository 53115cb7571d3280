// SPDX-License-Identifier: Apache-2.0
/**
 * Published models as records of a compacted topic: how a version is cut into chunks with a manifest, and how a reader
 * puts it together again. Readers need no Flink.
 */
package io.kronstream.connectors.model;
