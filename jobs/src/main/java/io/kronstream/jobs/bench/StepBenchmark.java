// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import com.sun.management.ThreadMXBean;
import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.learner.SplitMix64;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Numerics;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Stopwatch;
import io.kronstream.linalg.Stopwatch.Work;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.Activation;
import io.kronstream.network.LayerGradient;
import io.kronstream.network.LayerShape;
import io.kronstream.network.Loss;
import io.kronstream.network.Network;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.LayerState;
import io.kronstream.optimizers.Memory;
import io.kronstream.optimizers.Optimizer;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Times whole steps on one fixed pseudo-random mini-batch: forward and backward pass, the optimizer, and its refreshes,
 * which are computed and installed right after the step that asks for them. Steps are measured in whole refresh cycles,
 * after unmeasured ones that warm up.
 */
public final class StepBenchmark {
    private static final long WARM_UP_NANOS = 1_000_000_000L;

    /** Of a large network even a few take seconds. */
    private static final int FEW_STEPS = 20;

    private static final long SEED = 1;

    /** So small that no optimizer diverges on any case; what a step costs does not depend on it. */
    private static final double LEARNING_RATE = 1e-6;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final boolean withRefresh;
    private final int threads;

    /**
     * @param withRefresh whether computing refreshes counts; installing them always does
     * @param threads of matrix products
     */
    public StepBenchmark(boolean withRefresh, int threads) {
        this.withRefresh = withRefresh;
        this.threads = threads;
        Numerics.threads(threads);
    }

    /**
     * Measures one optimizer.
     *
     * @param optimizer by its name, all knobs but the learning rate at their defaults
     * @param steps at least so many; null for what takes about a second, and at least {@value #FEW_STEPS}
     * @throws ArithmeticException if the model diverges, so that what was measured is worth nothing
     */
    public StepMeasurement measure(BenchCase benchCase, String optimizer, Integer steps) {
        OptimizerSettings settings = OptimizerSettings.defaults(optimizer).with(Knobs.LEARNING_RATE, LEARNING_RATE);
        try (Run run = new Run(benchCase, settings)) {
            return run.measure(steps);
        }
    }

    /** One model and its data. */
    private final class Run implements AutoCloseable {
        private final BenchCase benchCase;
        private final OptimizerSettings settings;
        private final int cycle;
        private final Network network;
        private final Optimizer optimizer;
        private final EigenRefresh refresh = new EigenRefresh(Precision.FLOAT);
        private final Arena parameterMemory;
        private final Arena stateMemory;
        private final List<Matrix> parameters = new ArrayList<>();
        private final List<LayerState> layers = new ArrayList<>();
        private final SplitMix64 noise = new SplitMix64(SEED);
        private final double[] targets;

        private double loss;
        private long refreshCpuNanos;

        Run(BenchCase benchCase, OptimizerSettings settings) {
            this.benchCase = benchCase;
            this.settings = settings;
            this.cycle = settings.has(Knobs.REFRESH_INTERVAL) ? settings.get(Knobs.REFRESH_INTERVAL) : 1;
            this.network = new Network(
                    Precision.FLOAT,
                    benchCase.inputs(),
                    benchCase.hidden(),
                    benchCase.outputs(),
                    Activation.RELU,
                    benchCase.loss(),
                    benchCase.batch());
            this.optimizer = Optimizers.create(settings, Precision.FLOAT);
            List<TensorSpec> weights = new ArrayList<>();
            List<TensorSpec> tensors = new ArrayList<>();
            List<String> counters = new ArrayList<>();
            for (int layer = 0; layer < network.shapes().size(); layer++) {
                LayerShape shape = network.shapes().get(layer);
                String prefix = "layer" + layer + ".";
                weights.add(TensorSpec.dense(prefix, shape.rows(), shape.columns()));
                Memory memory = optimizer.memory(shape.rows(), shape.columns());
                memory.tensors().forEach(tensor -> tensors.add(tensor.prefixed(prefix)));
                memory.counters().forEach(counter -> counters.add(prefix + counter));
            }
            this.parameterMemory = new Arena(Precision.FLOAT, weights, List.of());
            this.stateMemory = new Arena(Precision.FLOAT, tensors, counters);
            for (TensorSpec spec : weights) {
                Matrix matrix = parameterMemory.tensor(spec.name());
                initialise(matrix);
                parameters.add(matrix);
                layers.add(new LayerState(stateMemory, spec.name()));
            }
            this.targets = data();
        }

        /** Weights normal with variance 2 / inputs, biases zero. */
        private void initialise(Matrix matrix) {
            int inputs = matrix.columns() - 1;
            double scale = Math.sqrt(2.0 / inputs);
            for (int i = 0; i < matrix.rows(); i++) {
                for (int j = 0; j < inputs; j++) {
                    matrix.set(i, j, scale * noise.nextNormal());
                }
            }
        }

        /** Sets normal inputs; returns targets: the inputs themselves, or a fair coin. */
        private double[] data() {
            int outputs = benchCase.outputs();
            double[] wanted = new double[benchCase.batch() * outputs];
            float[] features = new float[benchCase.inputs()];
            for (int row = 0; row < benchCase.batch(); row++) {
                for (int j = 0; j < features.length; j++) {
                    features[j] = (float) noise.nextNormal();
                }
                network.setInput(row, features);
                for (int j = 0; j < outputs; j++) {
                    wanted[row * outputs + j] =
                            benchCase.loss() == Loss.MEAN_SQUARED_ERROR ? features[j] : noise.nextInt(2);
                }
            }
            return wanted;
        }

        StepMeasurement measure(Integer wanted) {
            int inASecond = warmUp();
            int atLeast = wanted == null ? Math.max(FEW_STEPS, inASecond) : wanted;
            double peak = MatrixPeak.measure();
            int steps = (atLeast + cycle - 1) / cycle * cycle;
            long[] nanos = new long[steps];
            long self = Thread.currentThread().getId();
            long residentBefore = ResidentMemory.bytes();
            refreshCpuNanos = 0;
            long cpuBefore = THREADS.getCurrentThreadCpuTime();
            long allocatedBefore = THREADS.getThreadAllocatedBytes(self);
            Map<Work, Double> millis = new EnumMap<>(Work.class);
            try (Stopwatch stopwatch = Stopwatch.start(System::nanoTime)) {
                for (int i = 0; i < steps; i++) {
                    nanos[i] = step();
                }
                for (Work work : Work.values()) {
                    millis.put(work, stopwatch.nanos(work) / 1e6 / steps);
                }
            }
            long allocated = THREADS.getThreadAllocatedBytes(self) - allocatedBefore;
            long cpu = THREADS.getCurrentThreadCpuTime() - cpuBefore - (withRefresh ? 0 : refreshCpuNanos);
            long residentAfter = ResidentMemory.bytes();
            // The machine's speed may have changed meanwhile.
            peak = Math.max(peak, MatrixPeak.measure());
            if (!Double.isFinite(loss)) {
                throw new ArithmeticException(
                        settings.name() + " diverged on '" + benchCase.name() + "': nothing was measured");
            }
            return result(nanos, cpu, peak, allocated / steps, residentBefore, residentAfter, millis);
        }

        /** Whole cycles, for what builds up in the first one, and for the compiler; how many steps that were. */
        private int warmUp() {
            int steps = 0;
            long start = System.nanoTime();
            do {
                for (int i = 0; i < cycle; i++) {
                    step();
                }
                steps += cycle;
            } while (System.nanoTime() - start < WARM_UP_NANOS);
            return steps;
        }

        /** The time that counts of one step. */
        private long step() {
            int batch = benchCase.batch();
            long start = System.nanoTime();
            Work before = Stopwatch.enter(Work.GRADIENT);
            network.forward(parameters, batch);
            loss = network.backward(parameters, targets, batch);
            if (optimizer.wantsSamples(layers.get(0))) {
                network.backwardSampled(parameters, noise, batch);
            }
            if (optimizer.wantsHessian()) {
                network.backwardHessian(parameters, noise, batch);
            }
            Stopwatch.leave(before);
            List<LayerGradient> gradients = new ArrayList<>(layers.size());
            for (int layer = 0; layer < layers.size(); layer++) {
                gradients.add(network.gradient(layer));
            }
            optimizer.step(gradients, parameters, layers);
            long computing = refreshDue();
            return System.nanoTime() - start - (withRefresh ? 0 : computing);
        }

        /** Computes and installs; the time of the first. */
        private long refreshDue() {
            long computing = 0;
            for (LayerState layer : layers) {
                for (RefreshTask task : optimizer.due(layer)) {
                    long start = System.nanoTime();
                    long cpuStart = THREADS.getCurrentThreadCpuTime();
                    Work before = Stopwatch.enter(Work.REFRESH);
                    Decomposition decomposition = refresh.compute(task);
                    Stopwatch.leave(before);
                    refreshCpuNanos += THREADS.getCurrentThreadCpuTime() - cpuStart;
                    computing += System.nanoTime() - start;
                    before = Stopwatch.enter(Work.ROTATION);
                    optimizer.install(layer, task.side(), decomposition);
                    Stopwatch.leave(before);
                }
            }
            return computing;
        }

        private StepMeasurement result(
                long[] nanos,
                long cpu,
                double peak,
                long allocated,
                long residentBefore,
                long residentAfter,
                Map<Work, Double> millis) {
            List<LayerShape> shapes = network.shapes();
            String name = settings.name();
            double flops = BenchFlops.gradient(shapes, benchCase.batch())
                    + BenchFlops.optimizer(name, shapes, benchCase.batch())
                    + BenchFlops.install(name, shapes) / cycle
                    + (withRefresh ? BenchFlops.refresh(name, shapes) / cycle : 0);
            double mean = Arrays.stream(nanos).average().orElseThrow();
            Arrays.sort(nanos);
            double median = (nanos[(nanos.length - 1) / 2] + nanos[nanos.length / 2]) / 2.0;
            long stateBytes = Float.BYTES * stateMemory.packedLength()
                    + (long) Long.BYTES * stateMemory.counters().size();
            return new StepMeasurement(
                    benchCase.name(),
                    name,
                    threads,
                    benchCase.batch(),
                    nanos.length,
                    median / 1e6,
                    mean / 1e6,
                    cpu / 1e6 / nanos.length,
                    flops,
                    flops / mean,
                    peak,
                    flops / mean / peak,
                    stateBytes,
                    (double) stateBytes / parameterMemory.packedLength(),
                    allocated,
                    residentBefore,
                    residentAfter,
                    millis.get(Work.GRADIENT),
                    millis.get(Work.ROTATION),
                    millis.get(Work.FACTORS),
                    withRefresh ? millis.get(Work.REFRESH) : 0,
                    millis.get(Work.ELEMENTWISE));
        }

        @Override
        public void close() {
            optimizer.close();
            refresh.close();
            network.close();
            parameterMemory.close();
            stateMemory.close();
        }
    }
}
