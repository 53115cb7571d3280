// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.EigenRefresh;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.golden.TrainingProblem;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import io.kronstream.network.LayerShape;
import io.kronstream.network.Noise;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** A natural-gradient optimizer on the network of a golden file, refreshed within the step that makes it due. */
final class KroneckerRun implements AutoCloseable {
    final TrainingProblem problem;
    final KroneckerOptimizer optimizer;
    final List<LayerState> layers = new ArrayList<>();

    private final EigenRefresh refresh;
    private final List<Arena> arenas = new ArrayList<>();

    KroneckerRun(TrainingProblem problem, OptimizerSettings settings, Precision precision) {
        this.problem = problem;
        this.optimizer = (KroneckerOptimizer) Optimizers.create(settings, precision);
        this.refresh = new EigenRefresh(precision);
        for (LayerShape shape : problem.network().shapes()) {
            Memory memory = optimizer.memory(shape.rows(), shape.columns());
            List<TensorSpec> tensors = memory.tensors();
            Arena arena = new Arena(precision, tensors, memory.counters());
            arenas.add(arena);
            layers.add(new LayerState(arena, ""));
        }
    }

    /** One step, and the loss before it. */
    double step(int batch, Noise noise) {
        double loss = problem.backward(batch);
        if (optimizer.wantsSamples(layers.get(0))) {
            problem.network()
                    .backwardSampled(
                            problem.parameters(),
                            noise,
                            problem.network().gradient(0).batch());
        }
        List<LayerGradient> gradients = IntStream.range(0, layers.size())
                .mapToObj(problem.network()::gradient)
                .toList();
        for (int layer = 0; layer < layers.size(); layer++) {
            LayerState state = layers.get(layer);
            optimizer.observe(gradients.get(layer), state);
            boolean first = state.counter("steps") == 1;
            Matrix shape = problem.parameters().get(layer);
            List<RefreshTask> due = first
                    ? optimizer.sides(shape.rows(), shape.columns()).stream()
                            .map(side -> optimizer.task(state, side))
                            .toList()
                    : optimizer.due(state);
            for (RefreshTask task : due) {
                optimizer.install(state, task.side(), refresh.compute(task));
            }
        }
        optimizer.advance(gradients, problem.parameters(), layers);
        return loss;
    }

    @Override
    public void close() {
        optimizer.close();
        refresh.close();
        arenas.forEach(Arena::close);
    }
}
