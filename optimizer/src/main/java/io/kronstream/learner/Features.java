// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.network.Pooling;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * Turns the examples of one model into instances, in stream order, with statistics that never look ahead. The inputs
 * are, in this order:
 *
 * <ul>
 *   <li>of each numeric column what {@link NumericInput} gives;
 *   <li>sine and cosine of each periodic column;
 *   <li>with a time column, what its {@link Calendar} says of the time; of a forecast on a grid, of the target's time;
 *   <li>hash buckets of the categorical columns that are not embedded, one input each: how often the field holds the
 *       bucket, or what share of the field's values it is; missing is all zero;
 *   <li>earlier labels ({@code label_lags}): -1 or 1 for binary labels, one input for each class, else standardised; unknown
 *       is 0;
 *   <li>for a forecast, the last {@code lags} values of the label, oldest first, then the seasonal ones, then mean, smallest
 *       and largest value of each window: all but the last known value as difference from it in units of the running
 *       deviation, the last one standardised.
 * </ul>
 *
 * The buckets of embedded columns are kept beside them, as ids. A regression learns {@code (label - mean) / deviation}
 * with the moments of the labels before; a forecast learns the change from the last known value in units of the deviation
 * at its origin.
 */
final class Features {
    private final DataSchema schema;
    private final double[] periods;
    private final int width;
    private final int embedded;
    private final long bytes;

    private final NumericInputs numeric;
    private final RunningMoments labels = new RunningMoments(1);
    private final History history;
    private final NaivePredictors naive;
    /** Of a classification; else null. */
    private final NaiveClasses naiveClasses;

    /** Forecasts whose target has not arrived, oldest first. They also stand in the learner's mini-batches. */
    private final Deque<Instance> awaiting = new ArrayDeque<>();

    /** The last cell of a forecast's grid that was taken, and how many records in a row were from before it. */
    private long lastCell;

    private int late;

    Features(DataSchema schema) {
        this.schema = schema;
        this.periods = schema.periodic().values().stream()
                .mapToDouble(Double::doubleValue)
                .toArray();
        this.width = width(schema);
        this.embedded = schema.embedded().size();
        this.numeric = new NumericInputs(schema.numeric());
        int longest =
                schema.labelLags().stream().mapToInt(Integer::intValue).max().orElse(0);
        this.history = new History(
                schema.forecast() == null ? longest : schema.forecast().reach());
        this.naive = new NaivePredictors(schema.task());
        this.naiveClasses = schema.task() == Task.CLASSIFICATION
                ? new NaiveClasses(schema.classes().size())
                : null;
        long counted = 256 + 8L * history.capacity() + 8L * schema.classes().size();
        counted += numeric.bytes();
        this.bytes = counted;
    }

    /** Length of an instance's inputs. */
    static int width(DataSchema schema) {
        return NumericInputs.width(schema.numeric())
                + 2 * schema.periodic().size()
                + (schema.time() == null
                        ? 0
                        : schema.calendar().stream().mapToInt(Calendar::width).sum())
                + schema.categorical().stream()
                        .filter(category -> !category.embedded())
                        .mapToInt(Category::buckets)
                        .sum()
                + schema.labelLags().size() * Math.max(1, schema.classes().size())
                + (schema.forecast() == null ? 0 : schema.forecast().width());
    }

    /** Length of the inputs of the instances made here. */
    int width() {
        return width;
    }

    /** The instance that this example gives, or null if it gives none (no label, or not enough history). */
    Instance add(Example example) {
        boolean grid = schema.forecast() != null && schema.forecast().grid() > 0;
        if (grid && !enter(example)) {
            return null;
        }
        numeric.add(example.numeric());
        return schema.forecast() == null ? labelled(example) : forecast(example);
    }

    /**
     * Goes on to an example's cell of the grid; false if it is passed over: it has no label, or its cell was taken before.
     * After as many records in a row from the past as a forecast needs, the last cell is taken for a wrong clock's, and the
     * series begins anew.
     */
    private boolean enter(Example example) {
        if (Double.isNaN(example.label())) {
            return false;
        }
        long cell = schema.forecast().cell(example.timestamp());
        if (history.pushed() > 0) {
            if (cell < lastCell && ++late > history.capacity()) {
                history.clear();
                end();
            } else if (cell <= lastCell) {
                return false;
            } else {
                long empty = cell - lastCell - 1;
                history.repeat(empty);
                numeric.repeat(empty);
            }
        }
        lastCell = cell;
        late = 0;
        return true;
    }

    private Instance labelled(Example example) {
        double label = example.label();
        Instance instance = null;
        if (!Double.isNaN(label)) {
            boolean number = schema.task() == Task.REGRESSION;
            int index = naiveClasses == null ? -1 : (int) label;
            instance = new Instance(
                    example.partition(),
                    example.offset(),
                    example.row(),
                    example.timestamp(),
                    inputs(example),
                    ids(example.categorical()),
                    number ? labels.mean(0) : 0,
                    number ? labels.deviation(0) : 1,
                    index < 0 ? naive.noChange() : naiveClasses.noChange(index),
                    index < 0 ? naive.prior() : naiveClasses.prior(index),
                    example.weight(),
                    label,
                    true);
            labels.add(0, label);
            naive.add(label);
            if (index >= 0) {
                instance.noChangeAnswer = naiveClasses.before();
                instance.priorAnswer = naiveClasses.majority();
                naiveClasses.add(index);
            }
        }
        history.push(label);
        return instance;
    }

    private Instance forecast(Example example) {
        double label = example.label();
        double value = Double.isNaN(label) ? history.at(1) : label;
        if (Double.isNaN(value)) {
            return null;
        }
        history.push(value);
        settle(label);
        if (!Double.isNaN(label)) {
            labels.add(0, label);
            naive.add(label);
        }
        if (history.pushed() < history.capacity()) {
            return null;
        }
        Instance instance = new Instance(
                example.partition(),
                example.offset(),
                example.row(),
                example.timestamp(),
                inputs(example),
                ids(example.categorical()),
                value,
                labels.deviation(0),
                value,
                naive.prior(),
                example.weight(),
                Double.NaN,
                false);
        awaiting.add(instance);
        return instance;
    }

    /** A label has arrived: the forecast of it is settled, and those of cells that stayed empty have no label. */
    private void settle(double label) {
        Forecast forecast = schema.forecast();
        if (forecast.grid() == 0) {
            if (awaiting.size() == forecast.horizon()) {
                awaiting.remove().settle(label);
            }
            return;
        }
        while (!awaiting.isEmpty() && target(awaiting.peek()) <= lastCell) {
            Instance instance = awaiting.remove();
            instance.settle(target(instance) == lastCell ? label : Double.NaN);
        }
    }

    /** The cell that a forecast is for. */
    private long target(Instance instance) {
        return schema.forecast().cell(instance.timestamp) + schema.forecast().horizon();
    }

    /** The stream has ended: targets that have not arrived never will. */
    void end() {
        while (!awaiting.isEmpty()) {
            awaiting.remove().settle(Double.NaN);
        }
    }

    private float[] inputs(Example example) {
        float[] inputs = new float[width];
        int at = numeric.write(inputs);
        for (int i = 0; i < periods.length; i++) {
            at = Calendar.cycle(example.numeric()[numeric.count() + i] / periods[i], inputs, at);
        }
        if (schema.time() != null) {
            long time = schema.forecast() == null
                    ? example.timestamp()
                    : schema.forecast().targetTime(example.timestamp());
            for (Calendar part : schema.calendar()) {
                at = part.write(time, inputs, at);
            }
        }
        at = categories(example.categorical(), inputs, at);
        for (int back : schema.labelLags()) {
            at = earlier(history.at(back), inputs, at);
        }
        if (schema.forecast() != null) {
            past(schema.forecast(), inputs, at);
        }
        return inputs;
    }

    private int earlier(double label, float[] inputs, int at) {
        if (!Double.isNaN(label)) {
            switch (schema.task()) {
                case REGRESSION -> inputs[at] = (float) labels.standardise(0, label);
                case BINARY -> inputs[at] = (float) (2 * label - 1);
                case CLASSIFICATION -> inputs[at + (int) label] = 1;
            }
        }
        return at + Math.max(1, schema.classes().size());
    }

    private void past(Forecast forecast, float[] inputs, int from) {
        int at = from;
        for (int back = forecast.lags(); back > 1; back--) {
            inputs[at++] = change(history.at(back));
        }
        inputs[at++] = (float) labels.standardise(0, history.at(1));
        for (int season : forecast.seasonal()) {
            inputs[at++] = change(history.at(forecast.back(season)));
        }
        for (int length : forecast.windows()) {
            History.Window window = history.window(length);
            inputs[at++] = change(window.mean());
            inputs[at++] = change(window.smallest());
            inputs[at++] = change(window.largest());
        }
    }

    /** Difference from the last known value of the label; 0 if there is none. */
    private float change(double value) {
        double change = RunningMoments.clip((value - history.at(1)) / labels.deviation(0));
        return Double.isNaN(change) ? 0 : (float) change;
    }

    private int categories(int[] buckets, float[] inputs, int at) {
        int next = at;
        int from = 0;
        for (Category category : schema.categorical()) {
            int count = category.several() ? buckets[from++] : buckets[from] < 0 ? 0 : 1;
            if (!category.embedded()) {
                float weight = category.pooling() == Pooling.MEAN ? 1f / count : 1;
                for (int i = 0; i < count; i++) {
                    inputs[next + buckets[from + i]] += weight;
                }
                next += category.buckets();
            }
            from += category.several() ? count : 1;
        }
        return next;
    }

    /** Of each embedded column how many ids there are, then the ids. */
    private int[] ids(int[] buckets) {
        int[] ids = new int[buckets.length + embedded];
        int length = 0;
        int from = 0;
        for (Category category : schema.categorical()) {
            int count = category.several() ? buckets[from++] : buckets[from] < 0 ? 0 : 1;
            if (category.embedded()) {
                ids[length++] = count;
                System.arraycopy(buckets, from, ids, length, count);
                length += count;
            }
            from += category.several() ? count : 1;
        }
        return Arrays.copyOf(ids, length);
    }

    /** How many forecasts wait for their target. They are the last ones of the learner's mini-batches. */
    int awaiting() {
        return awaiting.size();
    }

    /** Restores the link to a forecast that waits; called in stream order. */
    void await(Instance instance) {
        awaiting.add(instance);
    }

    /** Bytes on the heap, forecasts aside. */
    long bytes() {
        return bytes;
    }

    void write(DataOutput out) throws IOException {
        numeric.write(out);
        labels.write(0, out);
        history.write(out);
        naive.write(out);
        if (naiveClasses != null) {
            naiveClasses.write(out);
        }
        if (schema.forecast() != null && schema.forecast().grid() > 0) {
            out.writeLong(lastCell);
            out.writeInt(late);
        }
    }

    void read(DataInput in) throws IOException {
        numeric.read(in);
        labels.read(0, in);
        history.read(in);
        naive.read(in);
        if (naiveClasses != null) {
            naiveClasses.read(in);
        }
        if (schema.forecast() != null && schema.forecast().grid() > 0) {
            lastCell = in.readLong();
            late = in.readInt();
        }
    }
}
