// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One version of a model, ready to be served. The array is never changed after construction.
 *
 * @param model id of the model
 * @param version from 1, one more than the version before
 * @param step optimizer steps taken
 * @param examples examples learned from
 * @param trainedFrom for each partition the offset of the first record that the learner took
 * @param trainedThrough for each partition the offset of the last record that the learner took
 * @param finished whether the end of the stream closed the last mini-batch
 * @param mode {@code ordered} or {@code arrival}
 * @param configuration digest of the learner's configuration
 * @param fingerprint numerics fingerprint
 * @param modelDigest SHA-256 (hex) over all parameters and optimizer state
 * @param payload what a reader needs to predict: network, feature statistics, parameters; null for a model that is withdrawn
 * @param journal what was learned since the version before; null in {@link Mode#ORDERED}, where the topic says it
 * @param control how commands have left it
 */
public record PublishedModel(
        String model,
        long version,
        long step,
        long examples,
        SortedMap<Integer, Long> trainedFrom,
        SortedMap<Integer, Long> trainedThrough,
        boolean finished,
        String mode,
        String configuration,
        String fingerprint,
        String modelDigest,
        byte[] payload,
        JournalSegment journal,
        ControlState control) {

    /** Tells that a model is served no more: its published versions go. */
    public static PublishedModel withdrawal(String model) {
        return new PublishedModel(
                model, 0, 0, 0, new TreeMap<>(), new TreeMap<>(), false, "", "", "", "", null, null, ControlState.NONE);
    }

    public boolean isWithdrawal() {
        return payload == null;
    }

    /** SHA-256 (hex) of the payload. */
    public String payloadSha256() {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(payload));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
