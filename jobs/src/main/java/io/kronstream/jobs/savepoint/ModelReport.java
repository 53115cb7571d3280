// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.savepoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kronstream.learner.LearnerLayout;
import io.kronstream.learner.LearnerSummary;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.state.LearnerLayoutCodec;
import io.kronstream.state.StoredLearner;
import io.kronstream.state.UnfitStateException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.state.api.functions.KeyedStateReaderFunction;
import org.apache.flink.util.Collector;

/** What a savepoint holds of each model, as JSON. */
final class ModelReport extends KeyedStateReaderFunction<String, String> {
    private static final long serialVersionUID = 1;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ArrayList<byte[]> layouts = new ArrayList<>();
    private final String only;

    private transient Map<String, LearnerLayout> byDigest;
    private transient ValueState<byte[]> header;
    private transient MapState<Integer, byte[]> blocks;

    ModelReport(List<LearnerLayout> layouts, String only) {
        layouts.forEach(layout -> this.layouts.add(new LearnerLayoutCodec().toBytes(layout)));
        this.only = only;
    }

    @Override
    public void open(OpenContext context) throws IOException {
        byDigest = new HashMap<>();
        for (byte[] bytes : layouts) {
            LearnerLayout layout = new LearnerLayoutCodec().fromBytes(bytes);
            byDigest.put(layout.digest(), layout);
        }
        header = getRuntimeContext().getState(StoredLearner.HEADER);
        blocks = getRuntimeContext().getMapState(StoredLearner.BLOCKS);
    }

    @Override
    public void readKey(String model, Context context, Collector<String> out) throws Exception {
        if (header.value() == null || only != null && !only.equals(model)) {
            return;
        }
        StoredLearner stored = StoredLearner.of(header.value());
        LearnerSummary summary = stored.summary();
        LearnerLayout layout = byDigest.get(summary.configuration());
        if (layout == null) {
            throw new UnfitStateException("Model '" + model + "' was written under configuration "
                    + summary.configuration() + ", which the state does not describe");
        }
        ObjectNode report = JSON.createObjectNode()
                .put("model", model)
                .put("step", summary.step())
                .put("examples", summary.examples())
                .put("version", summary.version())
                .put("publishedStep", summary.publishedStep())
                .put("failedRefreshes", summary.failedRefreshes())
                .put("skippedRefreshes", summary.skippedRefreshes())
                .put("finished", summary.finished())
                .put("configuration", summary.configuration())
                .put("fingerprint", stored.fingerprint());
        ObjectNode offsets = report.putObject("trainedThrough");
        summary.trainedThrough().forEach((partition, offset) -> offsets.put(Integer.toString(partition), offset));
        try (Arena arena = stored.arena(model, layout, blocks)) {
            report.put("digest", arena.digest());
            long bytes = 0;
            var tensors = report.putArray("tensors");
            for (TensorSpec tensor : layout.tensors()) {
                ObjectNode node = tensors.addObject();
                describe(tensor, arena.tensor(tensor.name()), node);
                bytes += node.path("bytes").asLong();
            }
            report.put("bytes", bytes);
        }
        out.collect(report.toString());
    }

    private static void describe(TensorSpec tensor, Matrix values, ObjectNode node) {
        node.put("name", tensor.name())
                .put("rows", tensor.rows())
                .put("columns", tensor.columns())
                .put("symmetric", tensor.symmetric())
                .put("bytes", Float.BYTES * tensor.packedLength())
                .put("norm", values.norm());
        if (tensor.symmetric()) {
            double condition = conditionNumber(values);
            if (Double.isFinite(condition)) {
                node.put("conditionNumber", condition);
            } else {
                node.putNull("conditionNumber");
            }
        }
    }

    /** Ratio of the largest to the smallest eigenvalue by magnitude; infinite if the matrix is singular in single precision. */
    private static double conditionNumber(Matrix symmetric) {
        int n = symmetric.rows();
        double[] eigenvalues = new double[n];
        try (Matrix vectors = Matrix.create(Precision.FLOAT, n, n)) {
            vectors.copyFrom(symmetric);
            if (!vectors.eigenvectors(eigenvalues)) {
                return Double.POSITIVE_INFINITY;
            }
        }
        double largest = 0;
        double smallest = Double.POSITIVE_INFINITY;
        for (double eigenvalue : eigenvalues) {
            largest = Math.max(largest, Math.abs(eigenvalue));
            smallest = Math.min(smallest, Math.abs(eigenvalue));
        }
        return largest / smallest;
    }
}
