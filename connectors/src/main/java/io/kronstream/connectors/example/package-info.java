// SPDX-License-Identifier: Apache-2.0
/**
 * The way in: rows are replayed to the examples topic, read back as raw records and decoded. What cannot be decoded
 * becomes a dead letter here.
 */
package io.kronstream.connectors.example;
