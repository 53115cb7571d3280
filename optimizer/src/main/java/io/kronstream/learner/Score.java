// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

/**
 * A prediction made before learning from the example, beside the truth and the naive predictors. Of a classification,
 * every prediction is the probability that the label got, and the label is the index of its class.
 *
 * @param partition Kafka partition of the example (for forecasts: of the record the forecast was made at)
 * @param offset its offset
 * @param row its place among the examples of its record, from 0
 * @param timestamp the record's own time in milliseconds
 * @param step optimizer steps taken by the model that predicted
 * @param prediction probability of label 1 (binary) or value in the label's unit (regression)
 * @param label the label in its own unit
 * @param noChange prediction of the no-change predictor: the last known label (regression), or the running probability
 *     that the label stays what it was (binary, expressed as probability of label 1)
 * @param prior prediction of the running mean of all known labels (binary: base rate, the majority predictor)
 * @param weight how much it counts in the mean loss and in metrics
 * @param answers of a classification the classes that were held most probable; else null
 */
public record Score(
        int partition,
        long offset,
        int row,
        long timestamp,
        long step,
        double prediction,
        double label,
        double noChange,
        double prior,
        double weight,
        Answers answers) {

    /**
     * Indices of classes.
     *
     * @param model the most probable one
     * @param noChange the one before
     * @param prior the one that came most often
     */
    public record Answers(int model, int noChange, int prior) {}

    /** Of a regression or of a binary label. */
    public Score(
            int partition,
            long offset,
            int row,
            long timestamp,
            long step,
            double prediction,
            double label,
            double noChange,
            double prior,
            double weight) {
        this(partition, offset, row, timestamp, step, prediction, label, noChange, prior, weight, null);
    }

    /** The same of weight 1. */
    public Score(
            int partition,
            long offset,
            int row,
            long timestamp,
            long step,
            double prediction,
            double label,
            double noChange,
            double prior) {
        this(partition, offset, row, timestamp, step, prediction, label, noChange, prior, 1);
    }
}
