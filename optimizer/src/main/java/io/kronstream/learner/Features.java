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
 *   <li>numeric columns, standardised by the running moments up to and including the present record; missing is 0;
 *   <li>sine and cosine of each periodic column;
 *   <li>with a time column, sine and cosine of the hour of the day and of the position in the week (UTC);
 *   <li>hash buckets of the categorical columns that are not embedded, one input each: how often the field holds the
 *       bucket, or what share of the field's values it is; missing is all zero;
 *   <li>earlier labels ({@code label_lags}): -1 or 1 for binary labels, else standardised; unknown is 0;
 *   <li>for a forecast, the last {@code lags} values of the label, oldest first: all but the last as difference from the
 *       last in units of the running deviation, the last one standardised.
 * </ul>
 *
 * The buckets of embedded columns are kept beside them, as ids. A regression learns {@code (label - mean) / deviation} with the moments of the labels before; a forecast learns the
 * change from the last known value in units of the deviation at its origin.
 */
final class Features {
    private static final double DAY = 86_400_000;
    private static final double WEEK = 7 * DAY;
    /** 1970-01-01 was a Thursday: days from the Monday before it. */
    private static final double EPOCH_TO_MONDAY = 3 * DAY;

    private final DataSchema schema;
    private final double[] periods;
    private final int width;
    private final int embedded;

    private final RunningMoments[] moments;
    private final RunningMoments labels = new RunningMoments();
    private final LabelHistory history;
    private final NaivePredictors naive;
    /** Forecasts whose target has not arrived, oldest first. They also stand in the learner's mini-batches. */
    private final Deque<Instance> awaiting = new ArrayDeque<>();

    Features(DataSchema schema) {
        this.schema = schema;
        this.periods = schema.periodic().values().stream()
                .mapToDouble(Double::doubleValue)
                .toArray();
        this.width = width(schema);
        this.embedded = schema.embedded().size();
        this.moments = new RunningMoments[schema.numeric().size()];
        for (int i = 0; i < moments.length; i++) {
            moments[i] = new RunningMoments();
        }
        int capacity =
                schema.labelLags().stream().mapToInt(Integer::intValue).max().orElse(0);
        this.history = new LabelHistory(
                schema.forecast() == null ? capacity : schema.forecast().lags());
        this.naive = new NaivePredictors(schema.task());
    }

    /** Length of an instance's inputs. */
    static int width(DataSchema schema) {
        return schema.numeric().size()
                + 2 * schema.periodic().size()
                + (schema.time() == null ? 0 : 4)
                + schema.categorical().stream()
                        .filter(category -> !category.embedded())
                        .mapToInt(Category::buckets)
                        .sum()
                + schema.labelLags().size()
                + (schema.forecast() == null ? 0 : schema.forecast().lags());
    }

    /** The instance that this example gives, or null if it gives none (no label, or not enough history). */
    Instance add(Example example) {
        for (int i = 0; i < moments.length; i++) {
            double value = example.numeric()[i];
            if (!Double.isNaN(value)) {
                moments[i].add(value);
            }
        }
        return schema.forecast() == null ? labelled(example) : forecast(example);
    }

    private Instance labelled(Example example) {
        double label = example.label();
        Instance instance = null;
        if (!Double.isNaN(label)) {
            boolean binary = schema.task() == Task.BINARY;
            instance = new Instance(
                    example.partition(),
                    example.offset(),
                    example.row(),
                    example.timestamp(),
                    inputs(example),
                    ids(example.categorical()),
                    binary ? 0 : labels.mean(),
                    binary ? 1 : labels.deviation(),
                    naive.noChange(),
                    naive.prior(),
                    example.weight(),
                    label,
                    true);
            labels.add(label);
            naive.add(label);
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
        long now = history.pushed();
        if (!Double.isNaN(label)) {
            labels.add(label);
        }
        int horizon = schema.forecast().horizon();
        long origins = now - schema.forecast().lags() + 1;
        if (awaiting.size() == horizon) {
            awaiting.remove().settle(label);
        }
        if (!Double.isNaN(label)) {
            naive.add(label);
        }
        if (origins < 1) {
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
                labels.deviation(),
                value,
                naive.prior(),
                example.weight(),
                Double.NaN,
                false);
        awaiting.add(instance);
        return instance;
    }

    /** The stream has ended: targets that have not arrived never will. */
    void end() {
        while (!awaiting.isEmpty()) {
            awaiting.remove().settle(Double.NaN);
        }
    }

    private float[] inputs(Example example) {
        float[] inputs = new float[width];
        int at = 0;
        double[] numeric = example.numeric();
        for (int i = 0; i < moments.length; i++) {
            inputs[at++] = Double.isNaN(numeric[i]) ? 0 : (float) moments[i].standardise(numeric[i]);
        }
        for (int i = 0; i < periods.length; i++) {
            at = cycle(numeric[moments.length + i] / periods[i], inputs, at);
        }
        if (schema.time() != null) {
            at = cycle(example.timestamp() / DAY, inputs, at);
            at = cycle((example.timestamp() + EPOCH_TO_MONDAY) / WEEK, inputs, at);
        }
        at = categories(example.categorical(), inputs, at);
        for (int back : schema.labelLags()) {
            double label = history.at(back);
            if (!Double.isNaN(label)) {
                inputs[at] = schema.task() == Task.BINARY ? (float) (2 * label - 1) : (float) labels.standardise(label);
            }
            at++;
        }
        if (schema.forecast() != null) {
            double last = history.at(1);
            double deviation = labels.deviation();
            for (int back = schema.forecast().lags(); back > 1; back--) {
                double value = history.at(back);
                inputs[at++] = Double.isNaN(value) ? 0 : (float) RunningMoments.clip((value - last) / deviation);
            }
            inputs[at] = (float) labels.standardise(last);
        }
        return inputs;
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

    private static int cycle(double turns, float[] inputs, int at) {
        if (!Double.isNaN(turns)) {
            double angle = 2 * Math.PI * (turns - Math.floor(turns));
            inputs[at] = (float) StrictMath.sin(angle);
            inputs[at + 1] = (float) StrictMath.cos(angle);
        }
        return at + 2;
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
        return 256L + 48L * moments.length + 8L * history.capacity();
    }

    void write(DataOutput out) throws IOException {
        for (RunningMoments column : moments) {
            column.write(out);
        }
        labels.write(out);
        history.write(out);
        naive.write(out);
    }

    void read(DataInput in) throws IOException {
        for (RunningMoments column : moments) {
            column.read(in);
        }
        labels.read(in);
        history.read(in);
        naive.read(in);
    }
}
