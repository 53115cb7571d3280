// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

/** Uids of the job's operators, which tie saved state to them. A released uid is never edited. */
public final class OperatorUids {
    public static final String SOURCE = "examples-source";
    public static final String TABLE_ROWS = "table-rows";
    public static final String DECODE = "decode";
    public static final String TRAIN = "train";
    public static final String EVALUATE = "evaluate";
    public static final String METRICS_SINK = "metrics-sink";
    public static final String EIGEN_REFRESH = "eigen-refresh";
    public static final String EIGEN_REFRESH_END = "eigen-refresh-end";
    public static final String MODEL_CHUNKS = "model-chunks";
    public static final String MODELS_SINK = "models-sink";
    public static final String JOURNAL_CHUNKS = "journal-chunks";
    public static final String JOURNAL_SINK = "journal-sink";
    public static final String SCORES_SINK = "scores-sink";
    public static final String DEAD_LETTERS_SINK = "dead-letters-sink";

    private OperatorUids() {}
}
