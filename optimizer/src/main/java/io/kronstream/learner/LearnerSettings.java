// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.network.Activation;
import io.kronstream.optimizers.Knob;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Everything that determines what a learner does with a stream.
 *
 * @param schema what the records' columns mean
 * @param network layers and loss, and who learns those layers that are no matrices
 * @param optimizer the optimizer and its knobs
 * @param batch examples that close a mini-batch
 * @param batchInterval milliseconds of the records' own time that close a mini-batch; 0 for never
 * @param lag steps between asking for a refresh and installing it; 0 is synchronous
 * @param seed of the initial parameters
 * @param mode what the order of the examples rests on
 * @param refresh which refreshes are done, and when
 */
public record LearnerSettings(
        DataSchema schema,
        NetworkSettings network,
        OptimizerSettings optimizer,
        int batch,
        long batchInterval,
        int lag,
        long seed,
        Mode mode,
        RefreshPolicy refresh)
        implements Serializable {

    public static final List<Integer> DEFAULT_HIDDEN = List.of(128, 64);
    public static final int DEFAULT_BATCH = 32;

    /** More options than {@link #adjustable()} will ever name. */
    static final int MAX_ADJUSTABLE = 1000;

    private static final String OF_OPTIMIZER = "optimizer.";

    /** In {@link Mode#ORDERED}, with every refresh done when the optimizer says so. */
    public LearnerSettings(
            DataSchema schema,
            NetworkSettings network,
            OptimizerSettings optimizer,
            int batch,
            long batchInterval,
            int lag,
            long seed) {
        this(schema, network, optimizer, batch, batchInterval, lag, seed, Mode.ORDERED, RefreshPolicy.PLAIN);
    }

    /** The same with hidden dense layers of one activation. */
    public LearnerSettings(
            DataSchema schema,
            List<Integer> hidden,
            Activation activation,
            OptimizerSettings optimizer,
            int batch,
            long batchInterval,
            int lag,
            long seed) {
        this(schema, NetworkSettings.hidden(hidden, activation), optimizer, batch, batchInterval, lag, seed);
    }

    /** The same in another mode. */
    public LearnerSettings with(Mode other) {
        return new LearnerSettings(schema, network, optimizer, batch, batchInterval, lag, seed, other, refresh);
    }

    /** The same with another policy. */
    public LearnerSettings with(RefreshPolicy other) {
        return new LearnerSettings(schema, network, optimizer, batch, batchInterval, lag, seed, mode, other);
    }

    /** Option keys of what a running model can be told to change: see {@link Command.Kind#SET}. */
    public List<String> adjustable() {
        List<String> adjustable = new ArrayList<>(free());
        adjustable.removeAll(List.of("batch.interval", "model.seed", "model.publish-every"));
        return adjustable;
    }

    /**
     * The same with other values of some {@link #adjustable()} options.
     *
     * @throws IllegalArgumentException if one cannot be adjusted, or its value is not allowed; the message says which are
     */
    public LearnerSettings with(SortedMap<String, String> values) {
        LearnerSettings changed = this;
        for (Map.Entry<String, String> value : values.entrySet()) {
            if (!adjustable().contains(value.getKey())) {
                throw new IllegalArgumentException("'" + value.getKey()
                        + "' cannot be changed while a model learns; what can is "
                        + String.join(", ", adjustable()));
            }
            changed = changed.with(value.getKey(), value.getValue());
        }
        List<String> problems = changed.problems();
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        return changed;
    }

    private LearnerSettings with(String key, String text) {
        if (key.startsWith(OF_OPTIMIZER)) {
            return with(optimizer.with(key.substring(OF_OPTIMIZER.length()), text));
        }
        return switch (key) {
            case "refresh.interval", "refresh.method" -> with(optimizer.with(key.replace('.', '-'), text));
            case "refresh.tolerance" -> with(new RefreshPolicy(number(key, text), refresh.stagger()));
            case "refresh.stagger" -> with(new RefreshPolicy(refresh.tolerance(), flag(key, text)));
            case "model.quantile" -> with(network.with(number(key, text), network.rowRate(), network.vectorRate()));
            case "embedding.learning-rate" -> with(
                    network.with(network.level(), number(key, text), network.vectorRate()));
            case "vector.learning-rate" -> with(network.with(network.level(), network.rowRate(), number(key, text)));
            default -> throw new IllegalStateException("'" + key + "' is adjustable, but nobody knows how");
        };
    }

    private LearnerSettings with(OptimizerSettings other) {
        return new LearnerSettings(schema, network, other, batch, batchInterval, lag, seed, mode, refresh);
    }

    private LearnerSettings with(NetworkSettings other) {
        return new LearnerSettings(schema, other, optimizer, batch, batchInterval, lag, seed, mode, refresh);
    }

    private static double number(String key, String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + key + "' must be a number, was " + text);
        }
    }

    private static boolean flag(String key, String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("'" + key + "' must be true or false, was " + text);
        };
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
     * What the state's shape and meaning depend on, by option key: schema, network, mini-batch size, name and structural
     * knobs of the optimizer, and whether refreshes lag. It cannot change between runs; {@link #free()} can.
     */
    public SortedMap<String, String> structure() {
        SortedMap<String, String> structure = new TreeMap<>();
        structure.put("schema.columns", schema.columns().toString());
        structure.put("schema.task", String.valueOf(schema.task()));
        structure.put("schema.label", schema.label());
        structure.put("schema.numeric", schema.numeric().toString());
        structure.put("schema.categorical", schema.categorical().toString());
        if (schema.weight() != null) {
            structure.put("schema.weight", schema.weight());
        }
        structure.put("schema.products", schema.products().toString());
        structure.put("schema.periodic", schema.periodic().toString());
        structure.put("schema.time", String.valueOf(schema.time()));
        if (!schema.classes().isEmpty()) {
            structure.put("schema.classes", schema.classes().toString());
        }
        if (!schema.calendar().equals(Calendar.DEFAULT)) { // states from before there was a choice have no such key
            structure.put("schema.calendar", schema.calendar().toString());
        }
        structure.put("schema.key", String.valueOf(schema.key()));
        structure.put("schema.forecast", String.valueOf(schema.forecast()));
        structure.put("schema.label_lags", schema.labelLags().toString());
        network.addStructure(schema, structure);
        structure.put("batch.size", String.valueOf(batch));
        structure.put("optimizer.name", optimizer.name());
        optimizer.structure().forEach((knob, value) -> structure.put("optimizer." + knob, value));
        structure.put("refresh.lag", lag > 0 ? "above 0" : "0");
        structure.put("mode", mode.text());
        return structure;
    }

    /** Option keys of what a learner depends on but its state does not: they may change from run to run. */
    public List<String> free() {
        List<String> free = new ArrayList<>();
        for (Knob<?> knob : Optimizers.knobs(optimizer.name())) {
            if (!knob.isStructural()) {
                free.add(
                        knob.name().equals(Knobs.REFRESH_INTERVAL.name())
                                        || knob.name().equals(Knobs.REFRESH_METHOD.name())
                                ? knob.name().replace("refresh-", "refresh.")
                                : "optimizer." + knob.name());
            }
        }
        free.addAll(List.of(
                "batch.interval",
                "embedding.learning-rate",
                "model.quantile",
                "model.seed",
                "model.publish-every",
                "refresh.tolerance",
                "refresh.stagger",
                "vector.learning-rate"));
        return free;
    }

    /** Everything that is wrong, one sentence each; empty if nothing is. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>(schema.problems());
        problems.addAll(optimizer.problems());
        network.addProblems(schema, problems);
        if (batch < 1 || batch > 65_536) {
            problems.add("'batch' must lie in [1, 65536], was " + batch);
        }
        if (batchInterval < 0) {
            problems.add("'batch-interval' must not be negative, was " + batchInterval);
        }
        if (!(refresh.tolerance() >= 0 && refresh.tolerance() < 1)) {
            problems.add("'refresh.tolerance' must lie in [0, 1), was " + refresh.tolerance());
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
