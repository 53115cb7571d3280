// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.learner.Task;
import java.util.Arrays;
import java.util.List;

/** The metrics that can be asked for over any range of a stream. */
public enum Metric {
    ACCURACY("accuracy", false, true),
    LOG_LOSS("logLoss", false, false),
    RMSE("rmse", true, false),
    MAE("mae", true, false),
    /** Root mean squared error over that of the no-change predictor. */
    RELATIVE_RMSE("relativeRmse", true, false);

    private final String title;
    private final boolean ofNumbers;
    private final boolean higherIsBetter;

    Metric(String title, boolean ofNumbers, boolean higherIsBetter) {
        this.title = title;
        this.ofNumbers = ofNumbers;
        this.higherIsBetter = higherIsBetter;
    }

    /** Its name in files and summaries. */
    public String title() {
        return title;
    }

    public boolean better(double a, double b) {
        return higherIsBetter ? a > b : a < b;
    }

    public static List<Metric> of(Task task) {
        return Arrays.stream(values())
                .filter(metric -> metric.ofNumbers == (task == Task.REGRESSION))
                .toList();
    }

    /** The one to show first unless the schema says otherwise. */
    public static Metric first(Task task) {
        return task == Task.REGRESSION ? RMSE : LOG_LOSS;
    }

    public static List<String> names(Task task) {
        return of(task).stream().map(Metric::title).toList();
    }

    /** @throws IllegalArgumentException if the task has no such metric */
    public static Metric byName(Task task, String name) {
        return of(task).stream()
                .filter(metric -> metric.title.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no metric '" + name + "'; known are " + names(task)));
    }
}
