// SPDX-License-Identifier: Apache-2.0
package io.kronstream.benchmarks;

import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.StepReport;
import io.kronstream.learner.Task;
import io.kronstream.optimizers.OptimizerSettings;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The bare learner on a stream of three numbers: features, prediction, step, and the refreshes computed in place. One
 * operation is one example; the default network is 3-128-64-1 with mini-batches of 32.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 2)
@Fork(1)
public class LearnerBenchmark implements Learner.Listener {
    private static final int EXAMPLES = 3200;

    @Param({"adam", "dykaf"})
    String optimizer;

    private final Example[] examples = new Example[EXAMPLES];
    private LearnerFactory factory;
    private RefreshWorker worker;
    private Learner learner;

    @Setup
    public void prepare() {
        DataSchema schema = DataSchema.builder(List.of("x1", "x2", "x3", "label"), Task.BINARY, "label")
                .numeric(List.of("x1", "x2", "x3"))
                .build();
        for (int i = 0; i < EXAMPLES; i++) {
            double[] x = {i * 0.37 % 10, i * 0.73 % 10, i * 0.11 % 10};
            examples[i] = new Example("m", 0, i, i, x, new int[0], x[0] + x[1] <= 8 ? 1 : 0);
        }
        factory = new LearnerFactory(LearnerSettings.defaults(schema, OptimizerSettings.defaults(optimizer)));
        worker = new RefreshWorker();
        learner = factory.create("m");
    }

    @Benchmark
    @OperationsPerInvocation(EXAMPLES)
    public long learn() {
        for (Example example : examples) {
            learner.offer(example, this);
        }
        return learner.step();
    }

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

    @TearDown
    public void release() {
        learner.close();
        worker.close();
        factory.close();
    }
}
