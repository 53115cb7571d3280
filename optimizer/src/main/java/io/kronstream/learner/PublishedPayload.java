// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.linalg.Matrix;
import io.kronstream.network.Architecture;
import io.kronstream.network.Embedding;
import java.io.ByteArrayOutputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * What a reader needs to predict, in this order: a layout byte; task, {@link Objective} and layers as texts; of each
 * table its column, ids, width and pooling; the products, as two places of tables each; of each tensor its name, rows
 * and columns; feature statistics; the tensors' elements, row by row, as big-endian floats. Tensors are those of a
 * {@link io.kronstream.network.Network}, in its order: {@code layerN.weights}, {@code normN.weights},
 * {@code embedding.COLUMN.weights}. {@link ServedModel} reads it.
 */
final class PublishedPayload {
    static final int LAYOUT = 2;

    private PublishedPayload() {}

    /** @param tensors in the order of {@link LearnerLayout#parameters()} */
    static byte[] of(LearnerFactory shared, Features features, List<Matrix> tensors) {
        LearnerSettings settings = shared.settings();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(LAYOUT);
            out.writeUTF(settings.schema().task().name());
            out.writeUTF(shared.objective().name());
            out.writeUTF(settings.network().text());
            writeTables(settings.network().architecture(settings.schema()), out);
            out.writeInt(tensors.size());
            for (int i = 0; i < tensors.size(); i++) {
                out.writeUTF(shared.layout().parameters().get(i));
                out.writeInt(tensors.get(i).rows());
                out.writeInt(tensors.get(i).columns());
            }
            features.write(out);
            for (Matrix weights : tensors) {
                float[] row = new float[weights.columns()];
                for (int i = 0; i < weights.rows(); i++) {
                    weights.read(i * row.length, row, 0, row.length);
                    for (float value : row) {
                        out.writeFloat(value);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Writing to memory failed", e);
        }
        return bytes.toByteArray();
    }

    private static void writeTables(Architecture architecture, DataOutput out) throws IOException {
        out.writeInt(architecture.embeddings().size());
        for (Embedding table : architecture.embeddings()) {
            out.writeUTF(table.name());
            out.writeInt(table.ids());
            out.writeInt(table.width());
            out.writeUTF(table.pooling().name());
        }
        out.writeInt(architecture.products().size());
        for (Architecture.Product product : architecture.products()) {
            out.writeInt(product.first());
            out.writeInt(product.second());
        }
    }
}
