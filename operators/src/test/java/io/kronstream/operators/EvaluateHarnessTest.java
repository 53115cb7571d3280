// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.evaluation.EventTimeWindows;
import io.kronstream.evaluation.WindowMetrics;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Score;
import io.kronstream.learner.Task;
import io.kronstream.state.KronstreamTypes;
import io.kronstream.state.ModelScore;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The sums of EVALUATE are part of the state: whatever happens, its windows are those of bare tallies. */
class EvaluateHarnessTest {
    private static final long WINDOW = 60_000;
    private static final int SCORES = 3000;

    /** More models than stay in memory. */
    private static final List<ModelScore> STREAM = scores(2 * EvaluateOperator.MAX_RESIDENT);

    @ParameterizedTest
    @ValueSource(ints = {1, 700, 1999, 3000})
    void aResumedRunEqualsBareTallies(int cut) throws Exception {
        List<WindowMetrics> closed = new ArrayList<>();
        OperatorSubtaskState state;
        try (var evaluate = start(1, 0, null)) {
            process(evaluate, STREAM.subList(0, cut));
            state = evaluate.snapshot(1, 0);
            closed.addAll(evaluate.extractOutputValues());
        }
        try (var evaluate = start(1, 0, state)) {
            process(evaluate, STREAM.subList(cut, SCORES));
            evaluate.endInput();
            closed.addAll(evaluate.extractOutputValues());
        }
        assertThat(sorted(closed)).isEqualTo(bare());
    }

    @Test
    void aChangeOfParallelismChangesNothing() throws Exception {
        List<WindowMetrics> closed = new ArrayList<>();
        OperatorSubtaskState state;
        try (var evaluate = start(1, 0, null)) {
            process(evaluate, STREAM.subList(0, 1500));
            state = evaluate.snapshot(1, 0);
            closed.addAll(evaluate.extractOutputValues());
        }
        for (int subtask = 0; subtask < 2; subtask++) {
            try (var evaluate = start(
                    2,
                    subtask,
                    AbstractStreamOperatorTestHarness.repartitionOperatorState(
                            state, TrainHarness.MAX_PARALLELISM, 1, 2, subtask))) {
                int own = subtask;
                process(
                        evaluate,
                        STREAM.subList(1500, SCORES).stream()
                                .filter(scored -> KeyGroupRangeAssignment.assignKeyToParallelOperator(
                                                scored.model(), TrainHarness.MAX_PARALLELISM, 2)
                                        == own)
                                .toList());
                evaluate.endInput();
                closed.addAll(evaluate.extractOutputValues());
            }
        }
        assertThat(sorted(closed)).isEqualTo(bare());
    }

    private static List<WindowMetrics> bare() {
        Map<String, EventTimeWindows> models = new TreeMap<>();
        List<WindowMetrics> closed = new ArrayList<>();
        for (ModelScore scored : STREAM) {
            models.computeIfAbsent(scored.model(), id -> new EventTimeWindows(id, Task.REGRESSION, Double.NaN, WINDOW))
                    .add(scored.score(), closed::add);
        }
        models.values().forEach(windows -> windows.end(closed::add));
        return sorted(closed);
    }

    private static List<WindowMetrics> sorted(List<WindowMetrics> windows) {
        return windows.stream()
                .sorted(Comparator.comparing(WindowMetrics::model).thenComparing(WindowMetrics::from))
                .toList();
    }

    private static void process(
            KeyedOneInputStreamOperatorTestHarness<String, ModelScore, WindowMetrics> evaluate, List<ModelScore> scores)
            throws Exception {
        for (ModelScore score : scores) {
            evaluate.processElement(new StreamRecord<>(score));
        }
    }

    private static KeyedOneInputStreamOperatorTestHarness<String, ModelScore, WindowMetrics> start(
            int parallelism, int subtask, OperatorSubtaskState state) throws Exception {
        LearnerSettings learner = TestStreams.learner();
        var evaluate = new KeyedOneInputStreamOperatorTestHarness<>(
                new EvaluateOperatorFactory(learner, WINDOW),
                ModelScore::model,
                Types.STRING,
                TrainHarness.MAX_PARALLELISM,
                parallelism,
                subtask);
        evaluate.setStateBackend(new EmbeddedRocksDBStateBackend(false));
        evaluate.setup(KronstreamTypes.WINDOW_METRICS.createSerializer(
                evaluate.getExecutionConfig().getSerializerConfig()));
        if (state == null) {
            evaluate.initializeEmptyState();
        } else {
            evaluate.initializeState(state);
        }
        evaluate.open();
        return evaluate;
    }

    private static List<ModelScore> scores(int models) {
        SplittableRandom random = new SplittableRandom(7);
        List<ModelScore> scores = new ArrayList<>();
        for (int i = 0; i < SCORES; i++) {
            double label = random.nextDouble();
            Score score = new Score(
                    0, i, 0, 1000L * (i + random.nextInt(90)), i, random.nextDouble(), label, random.nextDouble(), 0.5);
            scores.add(new ModelScore("m" + random.nextInt(models), score));
        }
        return scores;
    }
}
