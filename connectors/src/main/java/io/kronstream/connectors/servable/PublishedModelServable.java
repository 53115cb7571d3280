// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.servable;

import io.kronstream.connectors.model.LiveModels;
import io.kronstream.connectors.model.SafeTensors;
import io.kronstream.connectors.model.ServedVersion;
import io.kronstream.connectors.model.StoredModel;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.ml.param.Param;
import org.apache.flink.ml.param.StringParam;
import org.apache.flink.ml.servable.api.DataFrame;
import org.apache.flink.ml.servable.api.ModelServable;
import org.apache.flink.ml.servable.api.Row;
import org.apache.flink.ml.servable.types.DataTypes;
import org.apache.flink.ml.util.ParamUtils;

/**
 * A published model as a servable of Flink ML. It appends a column of doubles, {@link #PREDICTION_COL}: the probability of
 * label 1, or a value in the label's unit; NaN where nothing can be predicted yet. The columns that the model's schema
 * names are read as numbers, booleans or texts; others are passed on. All rows of a frame are predicted by one version.
 *
 * <p>Either one version: {@link #of(StoredModel)}, or {@link #setModelData} with the file that {@code kronstream model
 * export} writes. Or always the newest: {@link #newest}. As thread-safe as a model that is not set meanwhile.
 */
public final class PublishedModelServable implements ModelServable<PublishedModelServable>, AutoCloseable {
    /** Name of the column that is appended. */
    public static final Param<String> PREDICTION_COL =
            new StringParam("predictionCol", "Name of the column that is appended.", "prediction");

    private final Map<Param<?>, Object> params = new HashMap<>();
    private Source source;

    /** Where predictions come from. */
    private interface Source extends AutoCloseable {
        List<String> columns();

        double[] predict(List<Map<String, Object>> rows);

        @Override
        void close();
    }

    /** One without a model: {@link #setModelData} gives it one. */
    public PublishedModelServable() {
        ParamUtils.initializeMapWithDefaultValues(params, this);
    }

    /** One version, as {@link io.kronstream.connectors.model.ModelReader} returns it. */
    public static PublishedModelServable of(StoredModel stored) {
        PublishedModelServable servable = new PublishedModelServable();
        servable.source = new OneVersion(new ServedVersion(stored));
        return servable;
    }

    /**
     * Always the newest version of a model.
     *
     * @param models stays the caller's, who closes it
     */
    public static PublishedModelServable newest(LiveModels models, String model) {
        PublishedModelServable servable = new PublishedModelServable();
        servable.source = new Newest(models, model);
        return servable;
    }

    /**
     * @param modelData one stream, of a file that {@code kronstream model export} has written
     * @throws IOException if it is not such a file
     */
    @Override
    public PublishedModelServable setModelData(InputStream... modelData) throws IOException {
        if (modelData.length != 1) {
            throw new IllegalArgumentException("A published model is one file, not " + modelData.length);
        }
        OneVersion version = new OneVersion(new ServedVersion(SafeTensors.read(modelData[0])));
        close();
        source = version;
        return this;
    }

    /**
     * @throws IllegalArgumentException with a sentence, if a row is not what the model's schema says
     * @throws IllegalStateException if it has no model
     */
    @Override
    public DataFrame transform(DataFrame input) {
        if (source == null) {
            throw new IllegalStateException("There is no model: set its data first");
        }
        Map<String, Integer> places = new LinkedHashMap<>();
        for (String column : source.columns()) {
            int place = input.getColumnNames().indexOf(column);
            if (place >= 0) {
                places.put(column, place);
            }
        }
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Row row : input.collect()) {
            Map<String, Object> values = new HashMap<>();
            places.forEach((column, place) -> values.put(column, row.get(place)));
            rows.add(values);
        }
        List<Double> predictions = Arrays.stream(source.predict(rows)).boxed().toList();
        return input.addColumn(get(PREDICTION_COL), DataTypes.DOUBLE, predictions);
    }

    @Override
    public Map<Param<?>, Object> getParamMap() {
        return params;
    }

    /** Frees the version's native memory. */
    @Override
    public void close() {
        if (source != null) {
            source.close();
            source = null;
        }
    }

    private record OneVersion(ServedVersion version) implements Source {
        @Override
        public List<String> columns() {
            return version.manifest().learner().schema().columns();
        }

        @Override
        public double[] predict(List<Map<String, Object>> rows) {
            return version.predict(rows);
        }

        @Override
        public void close() {
            version.close();
        }
    }

    private record Newest(LiveModels models, String model) implements Source {
        @Override
        public List<String> columns() {
            return models.manifest(model)
                    .orElseThrow(() -> new IllegalArgumentException("There is no model '" + model + "'"))
                    .learner()
                    .schema()
                    .columns();
        }

        @Override
        public double[] predict(List<Map<String, Object>> rows) {
            return models.predict(model, rows).values();
        }

        @Override
        public void close() {}
    }
}
