// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.servable.PublishedModelServable;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Task;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.OptimizerSettings;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.ml.servable.api.DataFrame;
import org.apache.flink.ml.servable.api.Row;
import org.apache.flink.ml.servable.api.TransformerServable;
import org.apache.flink.ml.servable.builder.PipelineModelServable;
import org.apache.flink.ml.servable.types.DataTypes;
import org.junit.jupiter.api.Test;

/** A published model behind Flink ML's interface predicts what it predicts without. */
class PublishedModelServableTest {
    private static final LearnerSettings SETTINGS = new LearnerSettings(
            DataSchema.builder(List.of("a", "b", "y"), Task.REGRESSION, "y")
                    .numeric(List.of("a", "b"))
                    .build(),
            List.of(8),
            Activation.TANH,
            OptimizerSettings.defaults("adam"),
            4,
            0,
            0,
            1);

    @Test
    void appendsPredictions() {
        StoredModel stored = stored();
        try (PublishedModelServable servable = PublishedModelServable.of(stored);
                ServedVersion version = new ServedVersion(stored)) {
            DataFrame predicted = servable.transform(frame());

            assertThat(predicted.getColumnNames()).containsExactly("id", "b", "a", "prediction");
            assertThat(predicted.getDataType("prediction")).isEqualTo(DataTypes.DOUBLE);
            double[] expected = version.predict(List.of(Map.of("a", 1.5, "b", 2), Map.of("b", -3)));
            assertThat(predicted.collect()).extracting(row -> row.get(3)).containsExactly(expected[0], expected[1]);
        }
    }

    @Test
    void isAStageOfAPipeline() {
        try (PublishedModelServable servable = PublishedModelServable.of(stored())) {
            servable.set(PublishedModelServable.PREDICTION_COL, "clicks");
            List<TransformerServable<?>> stages = List.of(servable);

            assertThat(new PipelineModelServable(stages).transform(frame()).getColumnNames())
                    .endsWith("clicks");
        }
    }

    @Test
    void readsTheFileThatIsExported() throws Exception {
        StoredModel stored = stored();
        byte[] file;
        try (ServedVersion version = new ServedVersion(stored)) {
            file = SafeTensors.write(version, stored, Map.of());
        }
        try (PublishedModelServable servable = new PublishedModelServable();
                PublishedModelServable direct = PublishedModelServable.of(stored)) {
            assertThatThrownBy(() -> servable.transform(frame())).hasMessage("There is no model: set its data first");
            servable.setModelData(new ByteArrayInputStream(file));

            assertThat(servable.transform(frame()).collect().get(0).get(3))
                    .isEqualTo(direct.transform(frame()).collect().get(0).get(3));

            file[file.length - 1]++;
            assertThatThrownBy(() -> servable.setModelData(new ByteArrayInputStream(file)))
                    .isInstanceOf(IOException.class)
                    .hasMessage("The payload is not the one that the manifest names");
            for (int length : new int[] {0, 7, 20, 100}) {
                assertThatThrownBy(() -> servable.setModelData(new ByteArrayInputStream(file, 0, length)))
                        .isInstanceOf(IOException.class);
            }
        }
    }

    private static DataFrame frame() {
        List<Row> rows = new ArrayList<>();
        rows.add(new Row(new ArrayList<>(List.of("x", 2L, 1.5))));
        List<Object> missing = new ArrayList<>(List.of("y", -3L));
        missing.add(null);
        rows.add(new Row(missing));
        return new DataFrame(
                new ArrayList<>(List.of("id", "b", "a")),
                new ArrayList<>(List.of(DataTypes.STRING, DataTypes.LONG, DataTypes.DOUBLE)),
                rows);
    }

    private static StoredModel stored() {
        return Models.learned(SETTINGS);
    }
}
