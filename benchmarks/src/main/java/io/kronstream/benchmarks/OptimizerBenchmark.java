// SPDX-License-Identifier: Apache-2.0
package io.kronstream.benchmarks;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerGradient;
import io.kronstream.optimizers.LayerState;
import io.kronstream.optimizers.Memory;
import io.kronstream.optimizers.Optimizer;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The fused updates of one layer, and packing its state as it is stored. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class OptimizerBenchmark {
    @Param({"64", "512", "1024"})
    int size;

    @Param({"sgd", "adam", "adagrad", "ftrl", "adafactor"})
    String optimizer;

    private Optimizer subject;
    private Arena memory;
    private LayerState state;
    private Matrix parameters;
    private Matrix gradient;
    private float[] packed;

    @Setup
    public void allocate() {
        subject = Optimizers.create(OptimizerSettings.defaults(optimizer), Precision.FLOAT);
        Memory declared = subject.memory(size, size);
        memory = new Arena(Precision.FLOAT, declared.tensors(), declared.counters());
        state = new LayerState(memory, "");
        parameters = Matrix.create(Precision.FLOAT, size, size);
        gradient = Matrix.create(Precision.FLOAT, size, size);
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                gradient.set(i, j, ((i * 31 + j * 17) % 23) / 23.0 - 0.5);
            }
        }
        packed = new float[(int) memory.packedLength()];
    }

    @Benchmark
    public Matrix step() {
        subject.step(new LayerGradient(gradient), parameters, state);
        return parameters;
    }

    @Benchmark
    public float[] pack() {
        memory.pack(0, packed, 0, packed.length);
        return packed;
    }

    @Benchmark
    public float[] unpack() {
        memory.unpack(0, packed, 0, packed.length);
        return packed;
    }

    @TearDown
    public void release() {
        subject.close();
        memory.close();
        parameters.close();
        gradient.close();
    }
}
