// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the columns of a record mean.
 *
 * @param columns the record's columns in order
 * @param task what is predicted
 * @param label column of the label
 * @param numeric numeric input columns
 * @param categorical input columns whose values are hashed into {@code hashBuckets} buckets each
 * @param hashBuckets buckets per categorical column
 * @param periodic numeric columns that repeat, with their period; each gives a sine and a cosine
 * @param time column of the record's own time, or null
 * @param key column whose value is the model id, or null for one model
 * @param forecast settings of a forecast, or null
 * @param labelLags earlier labels used as inputs, in records back
 * @param metric the metric to show first, or null for the task's own
 */
public record DataSchema(
        List<String> columns,
        Task task,
        String label,
        List<String> numeric,
        List<String> categorical,
        int hashBuckets,
        Map<String, Double> periodic,
        String time,
        String key,
        Forecast forecast,
        List<Integer> labelLags,
        String metric)
        implements Serializable {

    /**
     * The label itself, some records ahead.
     *
     * @param lags how many of the last values of the label are inputs
     * @param horizon how many records ahead the target lies
     */
    public record Forecast(int lags, int horizon) implements Serializable {}

    public static final int DEFAULT_HASH_BUCKETS = 32;

    public DataSchema {
        columns = new ArrayList<>(columns);
        numeric = new ArrayList<>(numeric);
        categorical = new ArrayList<>(categorical);
        periodic = new TreeMap<>(periodic);
        labelLags = new ArrayList<>(labelLags);
    }

    /** Everything that is wrong with this schema, one sentence each; empty if nothing is. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        if (task == null) {
            problems.add("'task' is missing: it is 'regression' or 'binary'");
        }
        if (label == null) {
            problems.add("'label' is missing: it names the column to predict");
        } else {
            checkColumn("label", label, problems);
        }
        Set<String> inputs = new HashSet<>();
        for (String column : numeric) {
            checkInput("numeric", column, inputs, problems);
        }
        for (String column : categorical) {
            checkInput("categorical", column, inputs, problems);
        }
        periodic.forEach((column, period) -> {
            checkColumn("periodic", column, problems);
            if (!(period > 0) || Double.isInfinite(period)) {
                problems.add("the period of '" + column + "' must be a positive number, was " + period);
            }
        });
        if (time != null) {
            checkColumn("time", time, problems);
        }
        if (key != null) {
            checkColumn("key", key, problems);
        }
        if (hashBuckets < 1 || hashBuckets > 1 << 20) {
            problems.add("'hash_buckets' must lie in [1, 1048576], was " + hashBuckets);
        }
        if (forecast != null) {
            if (forecast.lags() < 1 || forecast.lags() > 100_000) {
                problems.add("'forecast.lags' must lie in [1, 100000], was " + forecast.lags());
            }
            if (forecast.horizon() < 1 || forecast.horizon() > 100_000) {
                problems.add("'forecast.horizon' must lie in [1, 100000], was " + forecast.horizon());
            }
            if (task == Task.BINARY) {
                problems.add("'forecast' needs 'task: regression'");
            }
            if (!labelLags.isEmpty()) {
                problems.add("'label_lags' and 'forecast' exclude each other: a forecast has lags of its own");
            }
        }
        for (int lag : labelLags) {
            if (lag < 1 || lag > 100_000) {
                problems.add("'label_lags' must lie in [1, 100000], was " + lag);
            }
        }
        if (inputs.isEmpty() && periodic.isEmpty() && labelLags.isEmpty() && forecast == null) {
            problems.add("the schema names no input: give 'numeric', 'categorical', 'label_lags' or 'forecast'");
        }
        return problems;
    }

    private void checkInput(String kind, String column, Set<String> inputs, List<String> problems) {
        checkColumn(kind, column, problems);
        if (column.equals(label)) {
            problems.add("'" + kind + "' names the label '" + column + "': a model must not see what it predicts");
        }
        if (!inputs.add(column)) {
            problems.add("column '" + column + "' is named twice as an input");
        }
    }

    private void checkColumn(String role, String column, List<String> problems) {
        if (!columns.contains(column)) {
            problems.add("'" + role + "' names the unknown column '" + column + "'; the columns are "
                    + String.join(", ", columns));
        }
    }
}
