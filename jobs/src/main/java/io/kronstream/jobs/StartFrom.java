// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

/**
 * What a job starts from.
 *
 * @param savepoint path or URI of a savepoint or retained checkpoint, or null for empty state
 * @param weightsOnly whether the state may be another optimizer's: models keep their parameters, feature statistics,
 *     open mini-batches and positions, and the optimizer starts anew
 */
public record StartFrom(String savepoint, boolean weightsOnly) {
    /** Empty state. */
    public static final StartFrom NOTHING = new StartFrom(null, false);

    public StartFrom {
        if (weightsOnly && savepoint == null) {
            throw new IllegalArgumentException("--weights-only needs --from: it says what to keep of a savepoint");
        }
    }
}
