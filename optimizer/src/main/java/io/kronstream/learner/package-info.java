// SPDX-License-Identifier: Apache-2.0
/**
 * A model that learns from a stream, without Flink: features, mini-batches, optimizer steps, refreshes and all the memory
 * they need. {@link io.kronstream.learner.Learner} is the way in; operators only move its state in and out of Flink.
 */
package io.kronstream.learner;
