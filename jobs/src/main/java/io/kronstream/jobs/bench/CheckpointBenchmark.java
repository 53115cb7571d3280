// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.RunningJob;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.SplitMix64;
import io.kronstream.learner.Task;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.Activation;
import io.kronstream.operators.EigenRefreshFunction;
import io.kronstream.operators.OperatorUids;
import io.kronstream.operators.RefreshMode;
import io.kronstream.operators.RefreshPlan;
import io.kronstream.operators.TrainOperatorFactory;
import io.kronstream.operators.TrainSettings;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.state.InMemoryChannel;
import io.kronstream.state.KronstreamTypes;
import io.kronstream.state.ModelScore;
import io.kronstream.state.Origins;
import io.kronstream.state.TensorChannel;
import java.io.BufferedWriter;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * What a checkpoint costs a model of ten million parameters. One job trains without end; windows with one checkpoint and
 * windows without any take turns, so that both see the same machine, and the medians of their rates are compared.
 */
public final class CheckpointBenchmark {
    private static final int INPUTS = 784;
    private static final List<Integer> HIDDEN = List.of(2048, 2048, 2048);
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /**
     * What is measured.
     *
     * @param optimizer name, at its default knobs
     * @param backend Flink's name of the state backend
     * @param batch examples of a step
     * @param windows of each kind
     * @param windowMillis length of a window: the checkpoint interval that is simulated
     * @param directory for checkpoints and the times of steps, which the cluster's processes share with this one
     */
    public record Setup(String optimizer, String backend, int batch, int windows, long windowMillis, Path directory) {}

    private CheckpointBenchmark() {}

    /** Runs on a cluster that has kronstream's classes and at least one slot. */
    public static CheckpointMeasurement run(URI cluster, Setup setup) throws JobFailure, InterruptedException {
        Path times = setup.directory().resolve("steps-" + setup.optimizer() + "-" + setup.backend());
        TrainSettings settings = settings(setup);
        FlinkRest rest = new FlinkRest(cluster);
        JobClient job = null;
        try {
            job = submit(cluster, setup, settings, times);
            String id = job.getJobID().toHexString();
            StepTimes steps = new StepTimes(times);
            awaitSteps(steps, 12, job); // a refresh cycle, and the native code has been compiled
            List<Double> quiet = new ArrayList<>();
            List<Double> disturbed = new ArrayList<>();
            for (int window = 0; window < 2 * setup.windows(); window++) {
                boolean withCheckpoint = window % 2 == 1;
                long start = System.currentTimeMillis();
                if (withCheckpoint) {
                    rest.triggerCheckpoint(id);
                }
                TimeUnit.MILLISECONDS.sleep(Math.max(0, start + setup.windowMillis() - System.currentTimeMillis()));
                long end = System.currentTimeMillis();
                awaitSteps(steps, steps.after(end), job);
                (withCheckpoint ? disturbed : quiet).add(steps.between(start, end) / ((end - start) / 1e3));
            }
            List<FlinkRest.CheckpointCost> costs = rest.checkpointCosts(id, "Train");
            if (costs.isEmpty()) {
                throw new JobFailure("No checkpoint was completed");
            }
            long[] parametersAndState = sizes(settings);
            return new CheckpointMeasurement(
                    setup.optimizer(),
                    setup.backend(),
                    parametersAndState[0],
                    parametersAndState[1],
                    setup.batch(),
                    setup.windowMillis(),
                    costs.size(),
                    median(costs.stream()
                            .map(cost -> (double) cost.endToEndMillis())
                            .toList()),
                    median(costs.stream()
                            .map(cost -> (double) cost.syncMillis())
                            .toList()),
                    median(costs.stream().map(cost -> (double) cost.bytes()).toList()),
                    median(quiet),
                    median(disturbed),
                    1 - median(disturbed) / median(quiet));
        } catch (InterruptedException | JobFailure e) {
            throw e;
        } catch (Exception e) {
            throw new JobFailure("Checkpoints could not be measured: " + RunningJob.reason(e), e);
        } finally {
            if (job != null) {
                job.cancel().join();
            }
        }
    }

    private static JobClient submit(URI cluster, Setup setup, TrainSettings settings, Path times) throws Exception {
        StreamExecutionEnvironment env = BenchEnvironment.of(
                cluster,
                Map.of(
                        "state.backend.type",
                        setup.backend(),
                        "execution.checkpointing.interval",
                        "10 h", // those that are measured are asked for
                        "execution.checkpointing.dir",
                        setup.directory().resolve("checkpoints").toUri().toString(),
                        "restart-strategy.type",
                        "none"));
        TensorChannel channel = new InMemoryChannel("bench checkpoint " + setup.optimizer() + setup.backend());
        SingleOutputStreamOperator<ModelScore> train = env.fromSequence(0, Long.MAX_VALUE - 1)
                .uid(OperatorUids.SOURCE)
                .map(CheckpointBenchmark::example)
                .returns(KronstreamTypes.EXAMPLE)
                .uid(OperatorUids.DECODE)
                .keyBy(Example::model, Types.STRING)
                .transform("Train", KronstreamTypes.MODEL_SCORE, new TrainOperatorFactory(settings, channel))
                .uid(OperatorUids.TRAIN);
        train.getSideOutput(TrainOperatorFactory.REFRESHES)
                .keyBy(new RefreshPlan(settings.learner(), 1, BenchEnvironment.MAX_PARALLELISM), Types.STRING)
                .process(new EigenRefreshFunction(channel, 1, BenchEnvironment.MAX_PARALLELISM))
                .returns(Types.VOID)
                .uid(OperatorUids.EIGEN_REFRESH)
                .sinkTo(new DiscardingSink<>())
                .uid(OperatorUids.EIGEN_REFRESH_END);
        train.map(new StepClock(times.toString()))
                .returns(KronstreamTypes.MODEL_SCORE)
                .uid(OperatorUids.MODEL_CHUNKS)
                .sinkTo(new DiscardingSink<>())
                .uid(OperatorUids.SCORES_SINK);
        return env.executeAsync("checkpoints of " + setup.optimizer());
    }

    private static Example example(long offset) {
        SplitMix64 random = new SplitMix64(offset);
        double[] inputs = new double[INPUTS];
        for (int i = 0; i < INPUTS; i++) {
            inputs[i] = 2 * random.nextDouble() - 1;
        }
        return new Example("main", 0, offset, offset, inputs, new int[0], inputs[0] * inputs[1] + inputs[2]);
    }

    /** The small learning rate keeps everything finite and does not change what a step costs. */
    private static TrainSettings settings(Setup setup) {
        List<String> columns = new ArrayList<>();
        for (int i = 0; i < INPUTS; i++) {
            columns.add("x" + i);
        }
        List<String> all = new ArrayList<>(columns);
        all.add("y");
        DataSchema schema =
                DataSchema.builder(all, Task.REGRESSION, "y").numeric(columns).build();
        OptimizerSettings optimizer =
                OptimizerSettings.defaults(setup.optimizer()).with(Knobs.LEARNING_RATE, 1e-6);
        LearnerSettings learner = new LearnerSettings(
                schema, HIDDEN, Activation.RELU, optimizer, setup.batch(), 0, LearnerSettings.defaultLag(optimizer), 1);
        return new TrainSettings(
                learner,
                RefreshMode.REMOTE,
                Long.MAX_VALUE,
                600_000,
                1 << 28,
                1L << 32,
                Origins.topics("examples"),
                TrainSettings.Clock.NONE);
    }

    /** Parameters, and bytes of the state as it is stored. */
    private static long[] sizes(TrainSettings settings) {
        try (LearnerFactory factory = new LearnerFactory(settings.learner())) {
            long parameters = factory.layout().parameterTensors().stream()
                    .mapToLong(TensorSpec::packedLength)
                    .sum();
            long elements = factory.layout().tensors().stream()
                    .mapToLong(TensorSpec::packedLength)
                    .sum();
            return new long[] {parameters, Float.BYTES * elements};
        }
    }

    private static void awaitSteps(StepTimes steps, long count, JobClient job) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (steps.read() < count) {
            if (job.getJobExecutionResult().isCompletedExceptionally()) {
                job.getJobExecutionResult().get();
            }
            if (System.nanoTime() > deadline) {
                throw new JobFailure("The job took no " + count + " steps within " + PATIENCE.toMinutes() + " minutes");
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /** Writes down when each step was done. */
    private static final class StepClock extends RichMapFunction<ModelScore, ModelScore> {
        private static final long serialVersionUID = 1;

        private final String file;
        private transient BufferedWriter out;
        private transient long last;

        StepClock(String file) {
            this.file = file;
        }

        @Override
        public void open(OpenContext context) throws IOException {
            out = Files.newBufferedWriter(Path.of(file));
            last = -1;
        }

        @Override
        public ModelScore map(ModelScore score) throws IOException {
            if (score.score().step() != last) {
                last = score.score().step();
                out.write(System.currentTimeMillis() + "\n");
                out.flush();
            }
            return score;
        }

        @Override
        public void close() throws IOException {
            if (out != null) {
                out.close();
            }
        }
    }

    /** When steps were done, as the job writes it down. */
    private static final class StepTimes {
        private final Path file;
        private List<Long> millis = List.of();

        StepTimes(Path file) {
            this.file = file;
        }

        /** Reads the file anew; how many steps it has. */
        int read() throws IOException {
            if (Files.exists(file)) {
                String text = Files.readString(file);
                millis = text.substring(0, text.lastIndexOf('\n') + 1)
                        .lines()
                        .map(Long::valueOf)
                        .toList();
            }
            return millis.size();
        }

        /** How many steps there must be for one to end after a moment. */
        long after(long moment) {
            return millis.stream().filter(time -> time <= moment).count() + 1;
        }

        /** Steps between two moments, a step that was under way counting in part. */
        double between(long start, long end) {
            return at(end) - at(start);
        }

        private double at(long moment) {
            int done = 0;
            while (done < millis.size() && millis.get(done) <= moment) {
                done++;
            }
            if (done == 0 || done == millis.size()) {
                return done;
            }
            long before = millis.get(done - 1);
            return done + (double) (moment - before) / (millis.get(done) - before);
        }
    }
}
