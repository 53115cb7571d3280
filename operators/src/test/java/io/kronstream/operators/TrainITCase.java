// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.Example;
import io.kronstream.learner.PublishedModel;
import io.kronstream.state.DelayedChannel;
import io.kronstream.state.KronstreamTypes;
import io.kronstream.state.LocalChannel;
import io.kronstream.state.ModelScore;
import io.kronstream.state.TensorChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TRAIN and EIGEN-REFRESH on a cluster, with late and reordered answers, and a failure in the middle. */
@Timeout(180)
class TrainITCase {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(3)
            .build());

    private static final int EXAMPLES = 12_000;
    private static final int EXAMPLE_BYTES = TestStreams.example(0).bytes();

    @TempDir
    Path checkpoints;

    @ParameterizedTest(name = "parallelism {0}, unaligned {1}")
    @CsvSource({"1, true", "3, true", "2, false"})
    void aFailureAndDelaysChangeNothing(int parallelism, boolean unaligned) throws Exception {
        // few examples may be parked, so that the stream is as slow as its answers and meets checkpoints
        TrainSettings settings =
                TestStreams.withParkedBytes(TestStreams.settings(RefreshMode.REMOTE), 40L * EXAMPLE_BYTES);
        List<String> expected = lines(Outcome.ofBareLearners(settings, TestStreams.examples(0, EXAMPLES)));
        TensorChannel channel = new DelayedChannel(LocalChannel.only("it " + parallelism + unaligned), 10, 7, null);
        FailOnce.reset();
        List<String> actual = new ArrayList<>();
        JobExecutionResult result = run(settings, channel, EXAMPLES, parallelism, unaligned, actual);

        assertThat(FailOnce.FAILED).isTrue();
        assertThat(FailOnce.RESTORED.get()).as("restores").isPositive();
        assertThat(actual.stream().sorted()).isEqualTo(expected);
        assertThat(result.<Long>getAccumulatorResult(TrainCounters.EXAMPLES)).isEqualTo(EXAMPLES);
        assertThat(result.<Long>getAccumulatorResult(TrainCounters.STEPS))
                .isEqualTo(expected.stream()
                        .filter(line -> line.startsWith("score"))
                        .map(line -> line.split(" ")[1] + " " + line.split(" ")[3])
                        .distinct()
                        .count());
        assertThat(result.<Long>getAccumulatorResult(TrainCounters.REFRESHES_REMOTE))
                .isGreaterThan(1000);
        assertThat(result.<Long>getAccumulatorResult(TrainCounters.PARKED)).isPositive();
    }

    @Test
    void answersAfterTheDeadlineChangeNothing() throws Exception {
        int count = 1000;
        long deadlineMillis = 50;
        // few examples may be parked, so that the stream does not end before the first deadline
        TrainSettings settings = TestStreams.withParkedBytes(
                TestStreams.withDeadline(TestStreams.settings(RefreshMode.REMOTE), deadlineMillis),
                40L * EXAMPLE_BYTES);
        List<String> expected = lines(Outcome.ofBareLearners(settings, TestStreams.examples(0, count)));
        TensorChannel channel = new DelayedChannel(LocalChannel.only("late"), 20 * deadlineMillis, 7, "m1");
        FailOnce.never();
        List<String> actual = new ArrayList<>();
        JobExecutionResult result = run(settings, channel, count, 2, true, actual);

        assertThat(actual.stream().sorted()).isEqualTo(expected);
        assertThat(result.<Long>getAccumulatorResult(TrainCounters.REFRESHES_LATE))
                .isPositive();
    }

    private JobExecutionResult run(
            TrainSettings settings,
            TensorChannel channel,
            int count,
            int parallelism,
            boolean unaligned,
            List<String> lines)
            throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.configure(configuration(unaligned));
        env.setParallelism(parallelism);
        env.setMaxParallelism(TrainHarness.MAX_PARALLELISM);
        env.setBufferTimeout(5);
        CloseableIterator<String> results =
                job(env, settings, channel, count, parallelism).collectAsync();
        JobClient client = env.executeAsync("train");
        results.forEachRemaining(lines::add);
        results.close();
        return client.getJobExecutionResult().get();
    }

    private static DataStream<String> job(
            StreamExecutionEnvironment env, TrainSettings settings, TensorChannel channel, int count, int parallelism) {
        SingleOutputStreamOperator<Example> examples = env.fromSequence(0, count - 1)
                .setParallelism(1)
                .uid(OperatorUids.SOURCE)
                .map(TestStreams::example)
                .returns(KronstreamTypes.EXAMPLE)
                .setParallelism(1)
                .uid(OperatorUids.DECODE);
        SingleOutputStreamOperator<ModelScore> train = examples.keyBy(Example::model)
                .transform(OperatorUids.TRAIN, KronstreamTypes.MODEL_SCORE, new TrainOperatorFactory(settings, channel))
                .uid(OperatorUids.TRAIN);
        train.getSideOutput(TrainOperatorFactory.REFRESHES)
                .keyBy(new RefreshPlan(settings.learner(), parallelism, TrainHarness.MAX_PARALLELISM), Types.STRING)
                .process(new EigenRefreshFunction(channel, parallelism, TrainHarness.MAX_PARALLELISM))
                .returns(Types.VOID)
                .uid(OperatorUids.EIGEN_REFRESH)
                .sinkTo(new DiscardingSink<>())
                .uid(OperatorUids.EIGEN_REFRESH_END);
        DataStream<String> scores = train.map(new FailOnce())
                .returns(KronstreamTypes.MODEL_SCORE)
                .uid("fail-once")
                .map(score -> "score " + score.model() + " " + Outcome.line(score))
                .returns(Types.STRING)
                .uid("score-lines");
        DataStream<String> models = train.getSideOutput(TrainOperatorFactory.MODELS)
                .map(TrainITCase::line)
                .returns(Types.STRING)
                .uid("model-lines");
        return scores.union(models);
    }

    private Configuration configuration(boolean unaligned) {
        return Configuration.fromMap(Map.of(
                "state.backend.type", "rocksdb",
                "execution.checkpointing.incremental", "true",
                "execution.checkpointing.interval", "50ms",
                "execution.checkpointing.dir", checkpoints.toUri().toString(),
                "execution.checkpointing.unaligned.enabled", Boolean.toString(unaligned),
                "restart-strategy.type", "fixed-delay",
                "restart-strategy.fixed-delay.attempts", "3",
                "restart-strategy.fixed-delay.delay", "0s",
                "pipeline.generic-types", "false"));
    }

    private static List<String> lines(Outcome outcome) {
        List<String> lines = new ArrayList<>();
        outcome.scores().forEach((model, scores) -> scores.forEach(score -> lines.add("score " + model + " " + score)));
        outcome.versions()
                .forEach((model, versions) -> versions.forEach(version -> lines.add("model " + model + " " + version)));
        return lines.stream().sorted().toList();
    }

    private static String line(PublishedModel version) {
        return "model " + version.model() + " " + Outcome.line(version);
    }

    /** Fails once, in the middle of the stream and after a checkpoint. */
    private static final class FailOnce extends RichMapFunction<ModelScore, ModelScore>
            implements CheckpointListener, CheckpointedFunction {
        private static final long serialVersionUID = 1;
        private static final AtomicBoolean FAILED = new AtomicBoolean();
        private static final AtomicInteger RESTORED = new AtomicInteger();
        private static final AtomicInteger COMPLETED = new AtomicInteger();
        private static final AtomicInteger SEEN = new AtomicInteger();

        static void reset() {
            FAILED.set(false);
            RESTORED.set(0);
            COMPLETED.set(0);
            SEEN.set(0);
        }

        static void never() {
            FAILED.set(true);
        }

        @Override
        public ModelScore map(ModelScore score) {
            if (SEEN.incrementAndGet() > EXAMPLES / 4 && COMPLETED.get() >= 2 && FAILED.compareAndSet(false, true)) {
                throw new IllegalStateException("Injected failure");
            }
            return score;
        }

        @Override
        public void notifyCheckpointComplete(long checkpoint) {
            COMPLETED.incrementAndGet();
        }

        @Override
        public void snapshotState(FunctionSnapshotContext context) {}

        @Override
        public void initializeState(FunctionInitializationContext context) {
            if (context.isRestored()) {
                RESTORED.incrementAndGet();
            }
        }
    }
}
