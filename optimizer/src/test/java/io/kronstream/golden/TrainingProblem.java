// SPDX-License-Identifier: Apache-2.0
package io.kronstream.golden;

import static io.kronstream.golden.GoldenFile.numbers;

import com.fasterxml.jackson.databind.JsonNode;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.Activation;
import io.kronstream.network.Loss;
import io.kronstream.network.Network;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The {@code problem} of a golden file: a network with its first parameters, and mini-batches. */
public final class TrainingProblem implements AutoCloseable {
    private final JsonNode problem;
    private final boolean classes;
    private final Network network;
    private final List<Matrix> parameters = new ArrayList<>();

    public TrainingProblem(GoldenFile file, Precision precision) {
        this.problem = file.at("/problem");
        GoldenFields fields = file.fields("/problem");
        this.classes = switch (fields.text("loss")) {
            case "ce" -> true;
            case "mse" -> false;
            default -> throw new AssertionError(file + " has a loss that no network here has: " + problem.get("loss"));
        };
        fields.only("has_bias", true);
        fields.passOver("sizes", "activation", "W", "b", "X", "Y");
        fields.assertAllRead();
        JsonNode sizes = file.at("/problem/sizes");
        int depth = sizes.size() - 1;
        List<Integer> hidden = new ArrayList<>();
        for (int i = 1; i < depth; i++) {
            hidden.add(sizes.get(i).asInt());
        }
        int largestBatch = 1;
        for (int batch = 0; batch < batches(); batch++) {
            largestBatch = Math.max(largestBatch, rows(batch));
        }
        // More room than rows: partial batches.
        this.network = new Network(
                precision,
                sizes.get(0).asInt(),
                hidden,
                sizes.get(depth).asInt(),
                Activation.valueOf(problem.get("activation").asText().toUpperCase(Locale.ROOT)),
                classes ? Loss.SOFTMAX_CROSS_ENTROPY : Loss.MEAN_SQUARED_ERROR,
                largestBatch + 3);
        for (int i = 0; i < depth; i++) {
            JsonNode weights = file.at("/problem/W/" + i);
            parameters.add(augmented(
                    precision,
                    weights.at("/shape/0").asInt(),
                    weights.at("/shape/1").asInt() + 1,
                    weights,
                    file.at("/problem/b/" + i)));
        }
    }

    public Network network() {
        return network;
    }

    /** {@code [W | b]} of each layer. */
    public List<Matrix> parameters() {
        return parameters;
    }

    public int batches() {
        return problem.get("X").size();
    }

    private int rows(int batch) {
        return problem.get("X").get(batch).at("/shape/0").asInt();
    }

    /** Takes a mini-batch forwards and backwards through the network; returns the mean loss. */
    public double backward(int batch) {
        int rows = rows(batch);
        double[] features = numbers(problem.get("X").get(batch));
        int width = features.length / rows;
        for (int row = 0; row < rows; row++) {
            float[] example = new float[width];
            for (int j = 0; j < width; j++) {
                example[j] = (float) features[row * width + j];
            }
            network.setInput(row, example);
        }
        JsonNode y = problem.get("Y").get(batch);
        network.forward(parameters, rows);
        return network.backward(parameters, numbers(classes ? y.get("labels") : y), rows);
    }

    /** {@code [W | b]} from weights without bias and a bias. */
    public static Matrix augmented(Precision precision, int rows, int columns, JsonNode weights, JsonNode bias) {
        Matrix matrix = Matrix.create(precision, rows, columns);
        double[] w = numbers(weights);
        double[] b = numbers(bias);
        for (int i = 0; i < rows; i++) {
            matrix.write(i * columns, w, i * (columns - 1), columns - 1);
            matrix.set(i, columns - 1, b[i]);
        }
        return matrix;
    }

    @Override
    public void close() {
        network.close();
        parameters.forEach(Matrix::close);
    }
}
