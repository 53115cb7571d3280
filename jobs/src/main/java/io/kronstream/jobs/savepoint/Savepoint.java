// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.savepoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.jobs.Backend;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobOptions;
import io.kronstream.learner.LearnerLayout;
import io.kronstream.operators.OperatorUids;
import io.kronstream.state.LearnerLayouts;
import io.kronstream.state.UnfitStateException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.apache.flink.runtime.state.KeyGroupsSavepointStateHandle;
import org.apache.flink.runtime.state.KeyGroupsStateHandle;
import org.apache.flink.state.api.OperatorIdentifier;
import org.apache.flink.state.api.SavepointReader;
import org.apache.flink.state.api.runtime.SavepointLoader;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;

/** A savepoint or a checkpoint of a job, opened for reading. */
public final class Savepoint {
    private static final OperatorIdentifier TRAIN = OperatorIdentifier.forUid(OperatorUids.TRAIN);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String path;
    private final StreamExecutionEnvironment env;
    private final SavepointReader reader;

    private Savepoint(String path, StreamExecutionEnvironment env, SavepointReader reader) {
        this.path = path;
        this.env = env;
        this.reader = reader;
    }

    /** @throws JobFailure with one sentence if there is no savepoint or checkpoint */
    public static Savepoint open(String path) throws JobFailure {
        Configuration configuration = new Configuration();
        configuration.set(
                StateBackendOptions.STATE_BACKEND,
                soleBackend(path).orElse(Backend.ROCKSDB).toString());
        configuration.set(CoreOptions.DEFAULT_PARALLELISM, 1);
        configuration.set(TaskManagerOptions.NUM_TASK_SLOTS, 1);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        try {
            return new Savepoint(path, env, SavepointReader.read(env, path));
        } catch (IOException | IllegalArgumentException e) {
            throw new JobFailure("There is no savepoint or checkpoint at " + path + ": " + sentence(e), e);
        }
    }

    /**
     * Refuses a backend that cannot go on from what is at a path: a savepoint serves each, a checkpoint the one that wrote
     * it. What cannot be read from here is left to the cluster.
     *
     * @throws InvalidSettingsException if it is another one's checkpoint
     */
    public static void requireFits(String path, Backend backend) {
        soleBackend(path).filter(sole -> sole != backend).ifPresent(sole -> {
            throw new InvalidSettingsException(
                    "--from",
                    List.of("the checkpoint at " + path + " is of a job with '" + JobOptions.BACKEND.key() + ": " + sole
                            + "', and only such a job can go on from it; one with '" + backend
                            + "' goes on from a savepoint"));
        });
    }

    /** The only backend that reads what is at a path; empty if all do, or if it cannot be told. */
    private static Optional<Backend> soleBackend(String path) {
        CheckpointMetadata metadata;
        try {
            metadata = SavepointLoader.loadSavepointMetadata(path);
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty();
        }
        return metadata.getOperatorStates().stream()
                .flatMap(operator -> operator.getStates().stream())
                .flatMap(subtask -> subtask.getManagedKeyedState().stream())
                .filter(handle -> !(handle instanceof KeyGroupsSavepointStateHandle))
                .map(handle -> handle instanceof KeyGroupsStateHandle ? Backend.HASHMAP : Backend.ROCKSDB)
                .findFirst();
    }

    /** What its models are made of: the layout of the job that wrote it last, after those that it had taken over. */
    public List<LearnerLayout> layouts() throws JobFailure {
        try {
            return read(reader.readUnionState(TRAIN, LearnerLayouts.STATE, LearnerLayouts.TYPE));
        } catch (Exception e) {
            throw new JobFailure("What is at " + path + " is not the state of a kronstream job: " + sentence(e), e);
        }
    }

    /**
     * What it holds of each model, by name.
     *
     * @param layouts {@link #layouts()}
     * @param model the only one to report, or null for all
     */
    public List<JsonNode> models(List<LearnerLayout> layouts, String model) throws JobFailure {
        try {
            List<JsonNode> models = new ArrayList<>();
            for (String report :
                    read(reader.readKeyedState(TRAIN, new ModelReport(layouts, model), Types.STRING, Types.STRING))) {
                models.add(JSON.readTree(report));
            }
            models.sort(Comparator.comparing(report -> report.path("model").asText()));
            return models;
        } catch (Exception e) {
            throw new JobFailure("The models of " + path + " cannot be read: " + sentence(e), e);
        }
    }

    private <T> List<T> read(DataStream<T> stream) throws Exception {
        List<T> all = new ArrayList<>();
        try (CloseableIterator<T> elements = stream.executeAndCollect()) {
            elements.forEachRemaining(all::add);
        }
        return all;
    }

    /** Of all causes the innermost that says something, unless an outer one is our own. */
    private static String sentence(Throwable failure) {
        String sentence = failure.getClass().getSimpleName();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause.getMessage() != null) {
                sentence = cause.getMessage().lines().findFirst().orElse(sentence);
            }
            if (cause instanceof UnfitStateException) {
                break;
            }
        }
        return sentence;
    }
}
