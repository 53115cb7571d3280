// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.network.Activation;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Everything that determines what a learner does with a stream.
 *
 * @param schema what the records' columns mean
 * @param hidden units of each hidden layer
 * @param activation of the hidden layers
 * @param optimizer the optimizer and its knobs
 * @param batch examples that close a mini-batch
 * @param batchInterval milliseconds of the records' own time that close a mini-batch; 0 for never
 * @param lag steps between asking for a refresh and installing it; 0 is synchronous
 * @param seed of the initial parameters
 */
public record LearnerSettings(
        DataSchema schema,
        List<Integer> hidden,
        Activation activation,
        OptimizerSettings optimizer,
        int batch,
        long batchInterval,
        int lag,
        long seed)
        implements Serializable {

    public static final List<Integer> DEFAULT_HIDDEN = List.of(128, 64);
    public static final int DEFAULT_BATCH = 32;

    public LearnerSettings {
        hidden = new ArrayList<>(hidden);
    }

    /** The defaults for a schema and an optimizer. */
    public static LearnerSettings defaults(DataSchema schema, OptimizerSettings optimizer) {
        return new LearnerSettings(
                schema, DEFAULT_HIDDEN, Activation.RELU, optimizer, DEFAULT_BATCH, 0, defaultLag(optimizer), 1);
    }

    /** The refresh interval; 0 for an optimizer that has no refreshes, or whose settings have problems. */
    public static int defaultLag(OptimizerSettings optimizer) {
        boolean readable = optimizer.problems().isEmpty() && optimizer.has(Knobs.REFRESH_INTERVAL);
        return readable ? optimizer.get(Knobs.REFRESH_INTERVAL) : 0;
    }

    /**
     * Digest (16 hex digits) of what the state's shape and meaning depend on: schema, network, mini-batch size, name and
     * structural knobs of the optimizer, and whether refreshes lag. Rates, decays and intervals may change between runs.
     */
    public String configuration() {
        String shape = String.join(
                "|",
                "1",
                schema.columns().toString(),
                String.valueOf(schema.task()),
                schema.label(),
                schema.numeric().toString(),
                schema.categorical().toString(),
                schema.products().toString(),
                schema.periodic().toString(),
                String.valueOf(schema.time()),
                String.valueOf(schema.key()),
                String.valueOf(schema.forecast()),
                schema.labelLags().toString(),
                hidden.toString(),
                String.valueOf(activation),
                String.valueOf(batch),
                optimizer.structure(),
                String.valueOf(lag > 0));
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(shape.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    /** Everything that is wrong, one sentence each; empty if nothing is. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>(schema.problems());
        problems.addAll(optimizer.problems());
        for (int units : hidden) {
            if (units < 1 || units > 65_536) {
                problems.add("a hidden layer must have 1 to 65536 units, was " + units);
            }
        }
        if (batch < 1 || batch > 65_536) {
            problems.add("'batch' must lie in [1, 65536], was " + batch);
        }
        if (batchInterval < 0) {
            problems.add("'batch-interval' must not be negative, was " + batchInterval);
        }
        if (lag < 0) {
            problems.add("'lag' must not be negative, was " + lag);
        } else if (optimizer.problems().isEmpty() && optimizer.has(Knobs.REFRESH_INTERVAL)) {
            int interval = optimizer.get(Knobs.REFRESH_INTERVAL);
            if (lag > interval) {
                problems.add("'lag' must not exceed 'refresh-interval' (" + interval + "), was " + lag);
            }
        }
        return problems;
    }
}
