// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.util.SortedMap;

/**
 * How far a stored learner is.
 *
 * @param configuration digest of its {@link LearnerLayout}
 * @param step steps taken
 * @param examples examples learned
 * @param version last version that was published
 * @param publishedStep step of that version
 * @param failedRefreshes refreshes whose decomposition failed
 * @param skippedRefreshes refreshes that were not needed
 * @param finished whether its stream has ended
 * @param trainedThrough last offset taken of each partition
 */
public record LearnerSummary(
        String configuration,
        long step,
        long examples,
        long version,
        long publishedStep,
        long failedRefreshes,
        long skippedRefreshes,
        boolean finished,
        SortedMap<Integer, Long> trainedThrough) {}
