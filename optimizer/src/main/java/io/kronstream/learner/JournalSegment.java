// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

/**
 * What a learner took between two published versions. The segments from the first version on, one after the other, replay
 * a learner exactly. The array is never changed after construction.
 *
 * @param previousDigest the digest of the version before, which says to which segment this one belongs; empty for none
 * @param entries what {@link Journal#replay} reads
 */
public record JournalSegment(String previousDigest, byte[] entries) {}
