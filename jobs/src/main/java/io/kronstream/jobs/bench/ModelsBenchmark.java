// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.RunningJob;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.SplitMix64;
import io.kronstream.learner.StepReport;
import io.kronstream.learner.Task;
import io.kronstream.network.Activation;
import io.kronstream.operators.OperatorUids;
import io.kronstream.operators.RefreshMode;
import io.kronstream.operators.TrainCounters;
import io.kronstream.operators.TrainOperatorFactory;
import io.kronstream.operators.TrainSettings;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.state.KronstreamTypes;
import io.kronstream.state.ModelScore;
import io.kronstream.state.Origins;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.CloseableIterator;

/**
 * Many small models in one TaskManager whose cache holds only some of them. First each model gets one example, then
 * they come by Zipf's law. At the end every model's digest must be that of a learner that never left memory.
 */
public final class ModelsBenchmark {
    private static final int INPUTS = 16;
    private static final int HIDDEN = 32;
    private static final int BATCH = 16;

    /**
     * What is run.
     *
     * @param models number of models, each a network of 16-32-1
     * @param examples in all, at least one per model
     * @param exponent of Zipf's law: the k-th most frequent model comes with a frequency of k to the power of minus this
     * @param optimizer name, at its default knobs
     * @param cacheBytes of {@link TrainSettings}
     * @param checkpointDirectory URI
     */
    public record Load(
            int models, int examples, double exponent, String optimizer, long cacheBytes, String checkpointDirectory) {
        public Load {
            if (models < 1 || examples < models) {
                throw new IllegalArgumentException("There must be at least one model, and an example for each, was "
                        + models + " and " + examples);
            }
        }
    }

    /**
     * What came of it.
     *
     * @param seconds from the submission to the end of the job
     * @param evictions models that had to leave the cache
     * @param misses models that were wanted and not in the cache
     * @param digests of every model, by name
     */
    public record Outcome(double seconds, long steps, long evictions, long misses, Map<String, String> digests) {}

    private ModelsBenchmark() {}

    /** Runs the job on a cluster that has kronstream's classes and at least one slot. */
    public static Outcome run(URI cluster, Load load) throws JobFailure {
        StreamExecutionEnvironment env = BenchEnvironment.of(
                cluster,
                Map.of(
                        "state.backend.type", "rocksdb",
                        "execution.checkpointing.interval", "20 s",
                        "execution.checkpointing.dir", load.checkpointDirectory(),
                        "restart-strategy.type", "fixed-delay", // a machine that is too busy misses heartbeats
                        "restart-strategy.fixed-delay.attempts", "20",
                        "restart-strategy.fixed-delay.delay", "1 s"));
        SingleOutputStreamOperator<Example> examples = env.fromSequence(0, load.examples() - 1L)
                .uid(OperatorUids.SOURCE)
                .map(new Examples(load.models(), load.exponent()))
                .returns(KronstreamTypes.EXAMPLE)
                .uid(OperatorUids.DECODE);
        SingleOutputStreamOperator<ModelScore> train = examples.keyBy(Example::model, Types.STRING)
                .transform("Train", KronstreamTypes.MODEL_SCORE, new TrainOperatorFactory(settings(load), null))
                .uid(OperatorUids.TRAIN);
        train.sinkTo(new DiscardingSink<>()).uid(OperatorUids.SCORES_SINK);
        try {
            Map<String, String> digests = new TreeMap<>();
            long start = System.nanoTime();
            CloseableIterator<String> versions = train.getSideOutput(TrainOperatorFactory.MODELS)
                    .filter(PublishedModel::finished)
                    .uid(OperatorUids.MODEL_CHUNKS)
                    .map(version -> version.model() + " " + version.modelDigest())
                    .returns(Types.STRING)
                    .uid(OperatorUids.MODELS_SINK)
                    .collectAsync();
            JobClient job = env.executeAsync("models");
            versions.forEachRemaining(line -> {
                String[] words = line.split(" ");
                digests.put(words[0], words[1]);
            });
            versions.close();
            JobExecutionResult result = job.getJobExecutionResult().get();
            return new Outcome(
                    (System.nanoTime() - start) / 1e9,
                    result.<Long>getAccumulatorResult(TrainCounters.STEPS),
                    result.<Long>getAccumulatorResult(TrainCounters.EVICTED),
                    result.<Long>getAccumulatorResult(TrainCounters.LOADED),
                    digests);
        } catch (Exception e) {
            throw new JobFailure("The models could not be trained: " + RunningJob.reason(e), e);
        }
    }

    /** The digests of learners that never leave memory; they are taken one after the other, so that one is enough. */
    public static Map<String, String> expected(Load load) {
        Examples examples = new Examples(load.models(), load.exponent());
        examples.open(null);
        List<List<Integer>> offsets = new ArrayList<>();
        for (int model = 0; model < load.models(); model++) {
            offsets.add(new ArrayList<>());
        }
        for (int offset = 0; offset < load.examples(); offset++) {
            offsets.get(examples.model(offset)).add(offset);
        }
        Map<String, String> digests = new TreeMap<>();
        try (LearnerFactory factory = new LearnerFactory(settings(load).learner());
                RefreshWorker worker = new RefreshWorker()) {
            for (int model = 0; model < load.models(); model++) {
                try (Learner learner = factory.create(Examples.name(model))) {
                    Answering listener = new Answering(learner, worker);
                    offsets.get(model).forEach(offset -> learner.offer(examples.map((long) offset), listener));
                    learner.finish(listener);
                    digests.put(learner.model(), learner.digest());
                }
            }
        }
        return digests;
    }

    /** Settings of the load: refreshes are inline, since those of small layers are cheaper than the way to another operator. */
    private static TrainSettings settings(Load load) {
        List<String> columns = new ArrayList<>();
        for (int i = 0; i < INPUTS; i++) {
            columns.add("x" + i);
        }
        DataSchema schema = DataSchema.builder(with(columns, "y"), Task.REGRESSION, "y")
                .numeric(columns)
                .build();
        OptimizerSettings optimizer = OptimizerSettings.defaults(load.optimizer());
        LearnerSettings learner = new LearnerSettings(
                schema,
                List.of(HIDDEN),
                Activation.RELU,
                optimizer,
                BATCH,
                0,
                LearnerSettings.defaultLag(optimizer),
                1);
        return new TrainSettings(
                learner,
                RefreshMode.INLINE,
                Long.MAX_VALUE,
                30_000,
                1 << 20,
                load.cacheBytes(),
                Origins.topics("examples"),
                TrainSettings.Clock.NONE);
    }

    private static List<String> with(List<String> columns, String label) {
        List<String> all = new ArrayList<>(columns);
        all.add(label);
        return all;
    }

    /** The example at an offset: a function of the offset alone. */
    private static final class Examples extends RichMapFunction<Long, Example> {
        private static final long serialVersionUID = 1;

        private final int models;
        private final double exponent;

        /** For each model the share of examples that come for it or a more frequent one. */
        private transient double[] cumulative;

        Examples(int models, double exponent) {
            this.models = models;
            this.exponent = exponent;
        }

        @Override
        public void open(OpenContext context) {
            cumulative = new double[models];
            double sum = 0;
            for (int k = 0; k < models; k++) {
                sum += StrictMath.pow(k + 1, -exponent);
                cumulative[k] = sum;
            }
            for (int k = 0; k < models; k++) {
                cumulative[k] /= sum;
            }
        }

        int model(long offset) {
            if (offset < models) {
                return (int) offset;
            }
            int found = Arrays.binarySearch(cumulative, new SplitMix64(offset).nextDouble());
            return Math.min(models - 1, found < 0 ? -found - 1 : found);
        }

        static String name(int model) {
            return "m" + model;
        }

        @Override
        public Example map(Long offset) {
            SplitMix64 random = new SplitMix64(~offset);
            double[] inputs = new double[INPUTS];
            double label = 0;
            for (int i = 0; i < INPUTS; i++) {
                inputs[i] = 2 * random.nextDouble() - 1;
                label += (i % 3 - 1) * inputs[i] * inputs[(i + 1) % INPUTS];
            }
            return new Example(name(model(offset)), 0, offset, offset, inputs, new int[0], label + inputs[0]);
        }
    }

    private record Answering(Learner learner, RefreshWorker worker) implements Learner.Listener {
        @Override
        public void stepped(StepReport report) {}

        @Override
        public void requested(RefreshRequest request) {
            learner.answer(worker.compute(request));
        }

        @Override
        public void rejected(RejectedBatch batch) {
            throw new IllegalStateException(batch.reason());
        }
    }
}
