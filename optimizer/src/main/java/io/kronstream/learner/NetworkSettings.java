// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.network.Activation;
import io.kronstream.network.Architecture;
import io.kronstream.network.Embedding;
import io.kronstream.network.LayerSpec;
import io.kronstream.optimizers.RowMethod;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.stream.Collectors;

/**
 * A learner's network, and who learns those of its layers that are no matrices. The tables come from the schema's
 * embedded columns.
 *
 * @param layers from the inputs to the output, which has a dense layer of its own
 * @param objective what the output means
 * @param level of the quantile, if it means one
 * @param rowMethod what learns the tables
 * @param rowRate its learning rate
 * @param vectorRate learning rate of Adam, which learns gains and biases of layer norms
 */
public record NetworkSettings(
        List<LayerSpec> layers,
        Objective objective,
        double level,
        RowMethod rowMethod,
        double rowRate,
        double vectorRate)
        implements Serializable {

    public static final double DEFAULT_LEVEL = 0.5;
    public static final double DEFAULT_ROW_RATE = 0.1;
    public static final double DEFAULT_VECTOR_RATE = 1e-3;

    private static final int MAX_UNITS = 65_536;
    private static final int MAX_LAYERS = 1000;

    public NetworkSettings {
        layers = new ArrayList<>(layers);
    }

    /** Hidden dense layers with one activation; everything else as it is unless said. */
    public static NetworkSettings hidden(List<Integer> units, Activation activation) {
        return of(LayerSpec.hidden(units, activation));
    }

    /** These layers; everything else as it is unless said. */
    public static NetworkSettings of(List<LayerSpec> layers) {
        return new NetworkSettings(
                layers, Objective.AUTO, DEFAULT_LEVEL, RowMethod.ADAGRAD, DEFAULT_ROW_RATE, DEFAULT_VECTOR_RATE);
    }

    /** The level of the quantile that is predicted; NaN if none is. */
    public double quantile() {
        return objective == Objective.QUANTILE ? level : Double.NaN;
    }

    /** The same with other values of what may change while a model learns. */
    NetworkSettings with(double otherLevel, double otherRowRate, double otherVectorRate) {
        return new NetworkSettings(layers, objective, otherLevel, rowMethod, otherRowRate, otherVectorRate);
    }

    /** The layers as {@link LayerSpec#parse} reads them. */
    public String text() {
        return layers.stream().map(LayerSpec::text).collect(Collectors.joining(", ", "[", "]"));
    }

    Architecture architecture(DataSchema schema) {
        List<Category> embedded = schema.embedded();
        List<String> columns = embedded.stream().map(Category::column).toList();
        return new Architecture(
                Features.width(schema),
                embedded.stream()
                        .map(category -> new Embedding(
                                category.column(), category.buckets(), category.embedding(), category.pooling()))
                        .toList(),
                schema.products().stream()
                        .map(product -> new Architecture.Product(
                                columns.indexOf(product.get(0)), columns.indexOf(product.get(1))))
                        .toList(),
                layers,
                schema.task() == Task.CLASSIFICATION ? schema.classes().size() : 1,
                objective.of(schema.task()).loss(level));
    }

    /** Adds what the state's shape and meaning depend on, by option key. */
    void addStructure(DataSchema schema, SortedMap<String, String> structure) {
        structure.put("model.layers", text());
        structure.put("model.loss", objective.of(schema.task()).name());
        if (!schema.embedded().isEmpty()) {
            structure.put("embedding.method", rowMethod.name());
        }
    }

    void addProblems(DataSchema schema, List<String> problems) {
        for (LayerSpec layer : layers) {
            if (layer instanceof LayerSpec.Dense dense && (dense.units() < 1 || dense.units() > MAX_UNITS)) {
                problems.add("a dense layer must have 1 to " + MAX_UNITS + " units, was " + dense.units());
            }
        }
        if (layers.size() > MAX_LAYERS) {
            problems.add("a network must have at most " + MAX_LAYERS + " layers, was " + layers.size());
        }
        if (schema.task() != null
                && (objective.of(schema.task()) == Objective.LOGISTIC) != (schema.task() == Task.BINARY)) {
            problems.add("'model.loss' must be 'logistic' for a binary label and nothing else, was '"
                    + objective.name().toLowerCase(Locale.ROOT) + "'");
        }
        if (schema.task() != null
                && (objective.of(schema.task()) == Objective.SOFTMAX) != (schema.task() == Task.CLASSIFICATION)) {
            problems.add("'model.loss' must be 'softmax' for classes and nothing else, was '"
                    + objective.name().toLowerCase(Locale.ROOT) + "'");
        }
        if (objective == Objective.POISSON && schema.forecast() != null) {
            problems.add("'model.loss' cannot be 'poisson' for a forecast, which learns the change of its label");
        }
        if (!(level > 0 && level < 1)) {
            problems.add("'model.quantile' must lie between 0 and 1, was " + level);
        }
        if (!(rowRate > 0) || Double.isInfinite(rowRate)) {
            problems.add("'embedding.learning-rate' must be a positive number, was " + rowRate);
        }
        if (!(vectorRate > 0) || Double.isInfinite(vectorRate)) {
            problems.add("'vector.learning-rate' must be a positive number, was " + vectorRate);
        }
    }
}
