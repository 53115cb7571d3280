// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.format.JsonFormat;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.ServedModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A whole version of a model, ready to predict ({@link ServedModel} says what exactly). A row gives the values of the schema's
 * columns by name: numbers, booleans, texts; a column that is missing or null is an empty field. The label need not be there,
 * but for a forecast, whose last known value it is. Thread-safe.
 */
public final class ServedVersion implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ModelManifest manifest;
    private final ServedModel model;

    /** @throws IllegalArgumentException if the manifest does not say what the model is, or the payload is another's */
    public ServedVersion(StoredModel stored) {
        this.manifest = stored.manifest();
        if (manifest.learner() == null) {
            throw new IllegalArgumentException("The manifest of version " + manifest.version() + " of model '"
                    + manifest.model() + "' does not say what the model is");
        }
        List<String> problems = manifest.learner().problems();
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException("Model '" + manifest.model() + "' cannot be read: " + problems.get(0));
        }
        this.model = new ServedModel(manifest.learner(), stored.payload());
    }

    public ModelManifest manifest() {
        return manifest;
    }

    /** The network and its statistics alone. */
    public ServedModel model() {
        return model;
    }

    /**
     * The probability of label 1, the value in the label's unit, or of classes the index of the most probable one; NaN if
     * nothing can be predicted yet.
     *
     * @throws IllegalArgumentException with a sentence, if the row is not what the schema says
     * @throws IllegalStateException if the version was closed
     */
    public double predict(Map<String, ?> row) {
        return predict(List.of(row))[0];
    }

    /** As {@link #predict(Map)}, of several rows at once, which is faster; they are independent of each other. */
    public double[] predict(List<? extends Map<String, ?>> rows) {
        return model.predict(decode(rows));
    }

    /**
     * Of a classification the probability of each class, by its name, in the schema's order.
     *
     * @throws IllegalArgumentException with a sentence, if the row is not what the schema says
     * @throws IllegalStateException if the version was closed, or predicts no classes
     */
    public Map<String, Double> probabilities(Map<String, ?> row) {
        double[] probabilities = model.probabilities(decode(List.of(row)))[0];
        Map<String, Double> named = new LinkedHashMap<>();
        for (int k = 0; k < probabilities.length; k++) {
            named.put(manifest.learner().schema().classes().get(k), probabilities[k]);
        }
        return named;
    }

    private List<Example> decode(List<? extends Map<String, ?>> rows) {
        DataSchema schema = manifest.learner().schema();
        ExampleDecoder decoder = new ExampleDecoder(new JsonFormat(), schema, manifest.model());
        List<Example> examples = new ArrayList<>(rows.size());
        for (Map<String, ?> row : rows) {
            examples.add(decode(decoder, schema, row));
        }
        return examples;
    }

    /** By way of JSON, in which a row can be said as in any format: with numbers, texts, lists and rows in it. */
    private Example decode(ExampleDecoder decoder, DataSchema schema, Map<String, ?> row) {
        for (String name : row.keySet()) {
            if (schema.columns().stream().noneMatch(column -> column.equals(name) || column.startsWith(name + "."))) {
                throw new IllegalArgumentException(
                        "There is no column '" + name + "'; the columns are " + String.join(", ", schema.columns()));
            }
        }
        Map<String, Object> fields = new TreeMap<>(row);
        if (schema.key() != null && fields.get(schema.key()) == null) {
            fields.put(schema.key(), manifest.model());
        }
        try {
            return decoder.decode(new RawRecord("", 0, 0, 0, null, JSON.writeValueAsBytes(fields)))
                    .get(0);
        } catch (UndecodableException e) {
            throw new IllegalArgumentException(e.sentence());
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("The row cannot be written as JSON: " + e.getOriginalMessage());
        }
    }

    @Override
    public void close() {
        model.close();
    }

    @Override
    public String toString() {
        return manifest.model() + " version " + manifest.version();
    }
}
