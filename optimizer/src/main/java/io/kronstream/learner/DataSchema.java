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
 * @param weight column of how much a record counts, or null for all alike
 * @param classes the values that the label of a classification may have, in the order of the network's outputs; of other
 *     tasks none
 * @param numeric numeric input columns
 * @param categorical input columns with names
 * @param products pairs of embedded columns whose vectors' elementwise product is an input too
 * @param periodic numeric columns that repeat, with their period; each gives a sine and a cosine
 * @param time column of the record's own time, or null
 * @param calendar what the time gives as inputs, if there is a time column
 * @param key column whose value is the model id, or null for one model
 * @param forecast settings of a forecast, or null
 * @param labelLags earlier labels used as inputs, in records back
 * @param metric the metric to show first, or null for the task's own
 */
public record DataSchema(
        List<String> columns,
        Task task,
        String label,
        String weight,
        List<String> classes,
        List<Numeric> numeric,
        List<Category> categorical,
        List<List<String>> products,
        Map<String, Double> periodic,
        String time,
        List<Calendar> calendar,
        String key,
        Forecast forecast,
        List<Integer> labelLags,
        String metric)
        implements Serializable {

    public static final int MAX_CLASSES = 10_000;

    private static final int MAX_STEPS = 100_000;

    /** A schema that names no input yet. */
    public static Builder builder(List<String> columns, Task task, String label) {
        return new Builder(columns, task, label);
    }

    public DataSchema {
        columns = new ArrayList<>(columns);
        classes = new ArrayList<>(classes);
        numeric = new ArrayList<>(numeric);
        categorical = new ArrayList<>(categorical);
        products = new ArrayList<>(products);
        periodic = new TreeMap<>(periodic);
        calendar = new ArrayList<>(calendar);
        labelLags = new ArrayList<>(labelLags);
    }

    /** Everything that is wrong with this schema, one sentence each; empty if nothing is. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        if (task == null) {
            problems.add("'task' is missing: it is 'regression', 'binary' or 'classification'");
        }
        if (label == null) {
            problems.add("'label' is missing: it names the column to predict");
        } else {
            checkColumn("label", label, problems);
        }
        if (weight != null) {
            checkColumn("weight", weight, problems);
        }
        checkClasses(problems);
        Set<String> inputs = new HashSet<>();
        for (Numeric number : numeric) {
            checkInput("numeric", number.column(), inputs, problems);
            number.check(problems);
        }
        for (Category category : categorical) {
            checkInput("categorical", category.column(), inputs, problems);
            category.check(problems);
        }
        products.forEach(product -> checkProduct(product, problems));
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
        if (forecast != null) {
            forecast.check(problems);
            if (forecast.grid() > 0 && time == null) {
                problems.add("'forecast.grid' needs 'time', the column with the records' own time");
            }
            if (task == Task.BINARY || task == Task.CLASSIFICATION) {
                problems.add("'forecast' needs 'task: regression'");
            }
            if (!labelLags.isEmpty()) {
                problems.add("'label_lags' and 'forecast' exclude each other: a forecast has lags of its own");
            }
        }
        checkSteps("label_lags", labelLags, problems);
        if (new HashSet<>(calendar).size() < calendar.size()) {
            problems.add("'calendar' names something twice");
        }
        if (inputs.isEmpty() && periodic.isEmpty() && labelLags.isEmpty() && forecast == null) {
            problems.add("the schema names no input: give 'numeric', 'categorical', 'label_lags' or 'forecast'");
        }
        return problems;
    }

    /** The categorical columns that have a vector per bucket, in their order. */
    public List<Category> embedded() {
        return categorical.stream().filter(Category::embedded).toList();
    }

    private void checkClasses(List<String> problems) {
        if (task != Task.CLASSIFICATION) {
            if (task != null && !classes.isEmpty()) {
                problems.add("'classes' needs 'task: classification'");
            }
            return;
        }
        if (classes.size() < 2 || classes.size() > MAX_CLASSES) {
            problems.add("'classes' must name 2 to " + MAX_CLASSES
                    + " values of the label, or say how many there are, was " + classes.size());
        }
        if (new HashSet<>(classes).size() < classes.size()) {
            problems.add("'classes' names a value twice");
        }
    }

    /** Of numbers of records or of cells. */
    static void checkSteps(String key, List<Integer> steps, List<String> problems) {
        for (int step : steps) {
            if (step < 1 || step > MAX_STEPS) {
                problems.add("'" + key + "' must lie in [1, " + MAX_STEPS + "], was " + step);
            }
        }
    }

    private void checkProduct(List<String> product, List<String> problems) {
        List<Category> factors = embedded().stream()
                .filter(category -> product.contains(category.column()))
                .toList();
        if (product.size() != 2 || factors.size() != 2) {
            problems.add("'products' must name two embedded columns each, was " + product);
        } else if (factors.get(0).embedding() != factors.get(1).embedding()) {
            problems.add("the columns of a product must have embeddings of one width, " + product + " have "
                    + factors.get(0).embedding() + " and " + factors.get(1).embedding());
        }
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

    /** Puts a schema together; what is not said is empty. */
    public static final class Builder {
        private final List<String> columns;
        private final Task task;
        private final String label;
        private String weight;
        private List<String> classes = List.of();
        private List<Numeric> numeric = List.of();
        private List<Category> categorical = List.of();
        private List<List<String>> products = List.of();
        private Map<String, Double> periodic = Map.of();
        private String time;
        private List<Calendar> calendar = Calendar.DEFAULT;
        private String key;
        private Forecast forecast;
        private List<Integer> labelLags = List.of();
        private String metric;

        private Builder(List<String> columns, Task task, String label) {
            this.columns = columns;
            this.task = task;
            this.label = label;
        }

        public Builder weight(String column) {
            weight = column;
            return this;
        }

        public Builder classes(List<String> values) {
            classes = values;
            return this;
        }

        /** Columns as they are. */
        public Builder numeric(List<String> names) {
            return numbers(Numeric.plain(names));
        }

        public Builder numbers(List<Numeric> columns) {
            numeric = columns;
            return this;
        }

        public Builder categorical(List<Category> categories) {
            categorical = categories;
            return this;
        }

        public Builder products(List<List<String>> pairs) {
            products = pairs;
            return this;
        }

        public Builder periodic(Map<String, Double> periods) {
            periodic = periods;
            return this;
        }

        public Builder time(String column) {
            time = column;
            return this;
        }

        public Builder calendar(List<Calendar> parts) {
            calendar = parts;
            return this;
        }

        public Builder key(String column) {
            key = column;
            return this;
        }

        public Builder forecast(Forecast settings) {
            forecast = settings;
            return this;
        }

        public Builder labelLags(List<Integer> lags) {
            labelLags = lags;
            return this;
        }

        public Builder metric(String name) {
            metric = name;
            return this;
        }

        public DataSchema build() {
            return new DataSchema(
                    columns,
                    task,
                    label,
                    weight,
                    classes,
                    numeric,
                    categorical,
                    products,
                    periodic,
                    time,
                    calendar,
                    key,
                    forecast,
                    labelLags,
                    metric);
        }
    }
}
