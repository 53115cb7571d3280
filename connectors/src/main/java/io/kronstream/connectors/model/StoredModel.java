// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

/**
 * A whole version of a model, as read from the models topic. The array is the caller's.
 *
 * @param manifest what it is
 * @param payload what {@code PublishedModel.payload()} was
 */
public record StoredModel(ModelManifest manifest, byte[] payload) {}
