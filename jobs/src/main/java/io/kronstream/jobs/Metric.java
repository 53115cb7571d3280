// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.learner.Task;
import java.util.Arrays;
import java.util.List;

/** The metrics that can be asked for over any range of a stream. */
public enum Metric {
    ACCURACY("accuracy", Task.BINARY, true),
    LOG_LOSS("logLoss", Task.BINARY, false),
    RMSE("rmse", Task.REGRESSION, false),
    MAE("mae", Task.REGRESSION, false),
    /** Root mean squared error over that of the no-change predictor. */
    RELATIVE_RMSE("relativeRmse", Task.REGRESSION, false);

    private final String title;
    private final Task task;
    private final boolean higherIsBetter;

    Metric(String title, Task task, boolean higherIsBetter) {
        this.title = title;
        this.task = task;
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
        return Arrays.stream(values()).filter(metric -> metric.task == task).toList();
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
