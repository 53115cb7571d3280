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
import io.kronstream.state.KronstreamTypes;
import io.kronstream.state.LocalChannel;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * What a checkpoint costs a model of ten million parameters. One job trains without end. Stretches of equally many steps,
 * whole refresh cycles, take turns: one without a checkpoint, one in which a checkpoint is taken every so often. So both
 * do the same work on the same machine; what the second takes longer than its neighbours, shared among its checkpoints, is
 * what one costs.
 */
public final class CheckpointBenchmark {
    private static final int INPUTS = 784;
    private static final List<Integer> HIDDEN = List.of(2048, 2048, 2048);
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final int WARM_UP_CYCLES = 2;

    /**
     * What is measured.
     *
     * @param optimizer name, at its default knobs
     * @param backend Flink's name of the state backend
     * @param batch examples of a step
     * @param stretches with checkpoints, between those without
     * @param intervalMillis between two checkpoints, and about the least length of a stretch
     * @param flink settings of Flink's own for the job
     * @param directory for checkpoints and the times of steps, which the cluster's processes share with this one
     */
    public record Setup(
            String optimizer,
            String backend,
            int batch,
            int stretches,
            long intervalMillis,
            Map<String, String> flink,
            Path directory) {}

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
            StepTimes steps = new StepTimes(times, job.getJobExecutionResult());
            int cycle = cycle(settings);
            int stretch = warmUp(steps, cycle, setup.intervalMillis());
            List<Double> quiet = new ArrayList<>();
            List<Double> costs = new ArrayList<>();
            int first = steps.read();
            quiet.add(steps.awaitStretch(first, stretch));
            for (int i = 0; i < setup.stretches(); i++) {
                first += stretch;
                double before = quiet.get(i);
                int taken = checkpoints(before, setup.intervalMillis());
                for (int j = 0; j < taken; j++) {
                    long due = steps.at(first) + j * setup.intervalMillis();
                    TimeUnit.MILLISECONDS.sleep(Math.max(0, due - System.currentTimeMillis()));
                    rest.triggerCheckpoint(id);
                }
                double with = steps.awaitStretch(first, stretch);
                first += stretch;
                double after = steps.awaitStretch(first, stretch);
                quiet.add(after);
                costs.add((with - (before + after) / 2) / taken);
            }
            List<FlinkRest.CheckpointCost> checkpoints = rest.checkpointCosts(id, "Train");
            if (checkpoints.isEmpty()) {
                throw new JobFailure("No checkpoint was completed");
            }
            long[] parametersAndState = sizes(settings);
            double rate = 1e3 * stretch / median(quiet);
            double slowdown = median(costs) / setup.intervalMillis();
            return new CheckpointMeasurement(
                    setup.optimizer(),
                    setup.backend(),
                    parametersAndState[0],
                    parametersAndState[1],
                    setup.batch(),
                    setup.intervalMillis(),
                    stretch,
                    checkpoints.size(),
                    median(checkpoints.stream()
                            .map(cost -> (double) cost.endToEndMillis())
                            .toList()),
                    median(checkpoints.stream()
                            .map(cost -> (double) cost.syncMillis())
                            .toList()),
                    median(checkpoints.stream()
                            .map(cost -> (double) cost.bytes())
                            .toList()),
                    costs,
                    rate,
                    rate * (1 - slowdown),
                    slowdown);
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
        Map<String, String> flink = new HashMap<>(Map.of(
                "state.backend.type",
                setup.backend(),
                "execution.checkpointing.interval",
                "10 h", // those that are measured are asked for
                "execution.checkpointing.dir",
                setup.directory().resolve("checkpoints").toUri().toString(),
                "restart-strategy.type",
                "none"));
        flink.putAll(setup.flink());
        StreamExecutionEnvironment env = BenchEnvironment.of(cluster, flink);
        TensorChannel channel = LocalChannel.only("bench checkpoint " + setup.optimizer() + setup.backend());
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

    /** How many checkpoints a stretch has, from its start on: the last one is to be over when it ends. */
    static int checkpoints(double stretchMillis, long intervalMillis) {
        return (int) Math.max(1, Math.round(stretchMillis / intervalMillis));
    }

    private static int cycle(TrainSettings settings) {
        OptimizerSettings optimizer = settings.learner().optimizer();
        return optimizer.has(Knobs.REFRESH_INTERVAL) ? optimizer.get(Knobs.REFRESH_INTERVAL) : 1;
    }

    /** Waits until cycles are alike; returns how many steps, in whole cycles, last about as long as an interval. */
    private static int warmUp(StepTimes steps, int cycle, long intervalMillis) throws Exception {
        int from;
        int to = WARM_UP_CYCLES * cycle;
        steps.await(to);
        do { // the code is compiled meanwhile
            from = to;
            to += from / WARM_UP_CYCLES;
            steps.await(to);
        } while (steps.millis(from, to) < intervalMillis);
        double cycleMillis = steps.millis(from, to) * cycle / (to - from);
        return cycle * (int) Math.max(1, Math.round(intervalMillis / cycleMillis));
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
    static final class StepTimes {
        private final Path file;
        private final CompletableFuture<?> end;
        private List<Long> millis = List.of();

        /**
         * @param file may be missing yet
         * @param end of the job; each that is asked for polls the cluster by itself, so there is one
         */
        StepTimes(Path file, CompletableFuture<?> end) {
            this.file = file;
            this.end = end;
        }

        /** Returns when so many steps have been done. */
        void await(int count) throws Exception {
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (read() < count) {
                if (end.isCompletedExceptionally()) {
                    end.get();
                }
                if (System.nanoTime() > deadline) {
                    throw new JobFailure(
                            "The job took no " + count + " steps within " + PATIENCE.toMinutes() + " minutes");
                }
                TimeUnit.MILLISECONDS.sleep(50);
            }
        }

        /** Returns, when so many steps have been done, how many milliseconds they took. */
        double awaitStretch(int first, int count) throws Exception {
            await(first + count);
            return millis(first, first + count);
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

        /** When a step was done, counted from one; it must have been read. */
        long at(int step) {
            return millis.get(step - 1);
        }

        /** From the end of one step to the end of another. */
        double millis(int from, int to) {
            return at(to) - at(from);
        }
    }
}
