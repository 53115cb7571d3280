// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Task;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.state.Origins;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

/** A small stream of several models, and the settings of the learners that tests train on it. */
final class TestStreams {
    static final int BATCH = 4;
    static final int LAG = 2;
    static final long PUBLISH_EVERY = 3;
    static final long DEADLINE_MILLIS = 1000;

    private TestStreams() {}

    /** The example at an offset: a function of the offset alone. */
    static Example example(long offset) {
        double[] inputs = {wave(offset, 0.7), wave(offset, 1.9), wave(offset, 3.1)};
        double label = inputs[0] - 2 * inputs[1] + inputs[2] * inputs[2];
        return new Example(model(offset), 0, offset, 1000 * offset, inputs, new int[0], label);
    }

    static List<Example> examples(int from, int to) {
        List<Example> examples = new ArrayList<>();
        for (int offset = from; offset < to; offset++) {
            examples.add(example(offset));
        }
        return examples;
    }

    /** Those whose model belongs to a subtask. */
    static List<Example> ofSubtask(List<Example> examples, int parallelism, int subtask) {
        return examples.stream()
                .filter(example -> KeyGroupRangeAssignment.assignKeyToParallelOperator(
                                example.model(), TrainHarness.MAX_PARALLELISM, parallelism)
                        == subtask)
                .toList();
    }

    /** One of six, m0 with half as many examples as the others. */
    private static String model(long offset) {
        return "m" + offset * offset % 11;
    }

    static LearnerSettings learner() {
        return learner("dykaf", LAG);
    }

    static LearnerSettings learner(String name, int lag) {
        DataSchema schema = DataSchema.builder(List.of("a", "b", "c", "y"), Task.REGRESSION, "y")
                .numeric(List.of("a", "b", "c"))
                .build();
        OptimizerSettings optimizer = OptimizerSettings.defaults(name);
        if (optimizer.has(Knobs.REFRESH_INTERVAL)) {
            optimizer = optimizer.with(Knobs.REFRESH_INTERVAL, LAG);
        }
        return new LearnerSettings(schema, List.of(8), Activation.RELU, optimizer, BATCH, 0, lag, 1);
    }

    static TrainSettings settings(RefreshMode refresh) {
        return settings(learner(), refresh);
    }

    static TrainSettings settings(LearnerSettings learner, RefreshMode refresh) {
        return new TrainSettings(
                learner,
                refresh,
                PUBLISH_EVERY,
                DEADLINE_MILLIS,
                1 << 20,
                1 << 30,
                Origins.topics("examples"),
                TrainSettings.Clock.NONE);
    }

    static TrainSettings withCacheBytes(TrainSettings settings, long cacheBytes) {
        return new TrainSettings(
                settings.learner(),
                settings.refresh(),
                settings.publishEvery(),
                settings.refreshDeadlineMillis(),
                settings.parkedBytes(),
                cacheBytes,
                settings.origins(),
                settings.clock());
    }

    static TrainSettings withDeadline(TrainSettings settings, long millis) {
        return new TrainSettings(
                settings.learner(),
                settings.refresh(),
                settings.publishEvery(),
                millis,
                settings.parkedBytes(),
                settings.cacheBytes(),
                settings.origins(),
                settings.clock());
    }

    static TrainSettings withParkedBytes(TrainSettings settings, long parkedBytes) {
        return new TrainSettings(
                settings.learner(),
                settings.refresh(),
                settings.publishEvery(),
                settings.refreshDeadlineMillis(),
                parkedBytes,
                settings.cacheBytes(),
                settings.origins(),
                settings.clock());
    }

    static TrainSettings withLearningRate(TrainSettings settings, double rate) {
        LearnerSettings learner = settings.learner();
        return new TrainSettings(
                new LearnerSettings(
                        learner.schema(),
                        learner.network(),
                        learner.optimizer().with(Knobs.LEARNING_RATE, rate),
                        learner.batch(),
                        learner.batchInterval(),
                        learner.lag(),
                        learner.seed()),
                settings.refresh(),
                settings.publishEvery(),
                settings.refreshDeadlineMillis(),
                settings.parkedBytes(),
                settings.cacheBytes(),
                settings.origins(),
                settings.clock());
    }

    private static double wave(long offset, double frequency) {
        return 2 * StrictMath.sin(frequency * offset);
    }
}
