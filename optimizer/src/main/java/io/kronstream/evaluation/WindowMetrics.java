// SPDX-License-Identifier: Apache-2.0
package io.kronstream.evaluation;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How good a model was in a window of the examples' own time, and so far.
 *
 * @param model its id
 * @param from first millisecond of the window
 * @param to the first one after it
 * @param step steps that the model had taken at its last prediction in the window
 * @param examples scores in the window
 * @param metrics of the window, by the names of {@link Tally}
 * @param noChange of the window, what the no-change predictor had
 * @param prior of the window, what the mean of the labels before had
 * @param wholeExamples scores since the model began
 * @param whole metrics since then
 */
public record WindowMetrics(
        String model,
        long from,
        long to,
        long step,
        long examples,
        SortedMap<String, Double> metrics,
        SortedMap<String, Double> noChange,
        SortedMap<String, Double> prior,
        long wholeExamples,
        SortedMap<String, Double> whole) {

    public WindowMetrics {
        metrics = copy(metrics);
        noChange = copy(noChange);
        prior = copy(prior);
        whole = copy(whole);
    }

    private static SortedMap<String, Double> copy(SortedMap<String, Double> map) {
        return Collections.unmodifiableSortedMap(new TreeMap<>(map));
    }
}
