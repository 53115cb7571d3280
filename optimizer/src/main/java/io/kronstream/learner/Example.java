// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

/**
 * One decoded record of the input stream, before any feature is computed from it. The arrays are never changed after
 * construction.
 *
 * @param model id of the model that learns from it
 * @param partition Kafka partition it was read from
 * @param offset its offset in that partition
 * @param row its place among the examples of its record, from 0
 * @param timestamp the record's own time in milliseconds since the epoch
 * @param numeric values of the schema's numeric columns in their order; NaN where the field was empty
 * @param categorical hash buckets of the categorical columns in their order: of a column of one value the bucket, -1
 *     where the field was empty; of a column of several values how many there are, then the bucket of each
 * @param label the label; NaN where the field was empty
 * @param weight how much it counts in the mean loss of its mini-batch; 1 unless the record says otherwise
 * @param command what the record tells the model to do, in place of anything to learn; null for an example
 */
public record Example(
        String model,
        int partition,
        long offset,
        int row,
        long timestamp,
        double[] numeric,
        int[] categorical,
        double label,
        double weight,
        Command command) {

    /** An example. */
    public Example(
            String model,
            int partition,
            long offset,
            int row,
            long timestamp,
            double[] numeric,
            int[] categorical,
            double label,
            double weight) {
        this(model, partition, offset, row, timestamp, numeric, categorical, label, weight, null);
    }

    /** The only example of its record, with weight 1. */
    public Example(
            String model,
            int partition,
            long offset,
            long timestamp,
            double[] numeric,
            int[] categorical,
            double label) {
        this(model, partition, offset, 0, timestamp, numeric, categorical, label, 1);
    }

    /** A command in its place among the examples. */
    public static Example command(String model, int partition, long offset, long timestamp, Command command) {
        return new Example(model, partition, offset, 0, timestamp, new double[0], new int[0], Double.NaN, 1, command);
    }

    /** Approximate heap bytes, for bounds on what waits. */
    public int bytes() {
        return (command == null ? 96 : 512) + 8 * numeric.length + 4 * categorical.length;
    }
}
