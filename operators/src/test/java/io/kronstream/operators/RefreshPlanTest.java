// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.RefreshMethod;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshSide;
import io.kronstream.network.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;

class RefreshPlanTest {
    /** Sides of 300, 4 | 200, 301 | 200, 201 | 201: most of the work is in two of seven. */
    private static final LearnerSettings LEARNER = with(List.of(300, 200, 200));

    private static final int MAX_PARALLELISM = 128;

    @Test
    void workIsSpreadByItsCostNotByItsCount() {
        double[] load = new double[2];
        for (RefreshSide side : RefreshSide.of(LEARNER)) {
            load[subtask("m", side, 2)] += Math.pow(side.size(), 3);
        }
        assertThat(Math.max(load[0], load[1]) / (load[0] + load[1])).isBetween(0.5, 0.52);

        double[] byCount = new double[2];
        List<RefreshSide> sides = RefreshSide.of(LEARNER);
        IntStream.range(0, sides.size())
                .forEach(i -> byCount[i % 2] += Math.pow(sides.get(i).size(), 3));
        assertThat(Math.max(byCount[0], byCount[1]) / (byCount[0] + byCount[1]))
                .as("dealt out in turns")
                .isGreaterThan(0.52);
    }

    @Test
    void aSideIsAlwaysComputedAtTheSamePlace() throws Exception {
        for (int subtasks : new int[] {1, 2, 3, 8}) {
            RefreshPlan plan = new RefreshPlan(LEARNER, subtasks, MAX_PARALLELISM);
            RefreshPlan copy = InstantiationUtil.clone(plan);
            for (RefreshSide side : RefreshSide.of(LEARNER)) {
                assertThat(copy.getKey(request("m", side))).isEqualTo(plan.getKey(request("m", side)));
            }
        }
    }

    /** A small model has one large side; many of them must not meet in one subtask. */
    @Test
    void manyModelsUseAllSubtasks() {
        RefreshSide largest = RefreshSide.of(LEARNER).stream()
                .max((a, b) -> Integer.compare(a.size(), b.size()))
                .orElseThrow();
        List<Integer> counts = new ArrayList<>(List.of(0, 0, 0, 0));
        for (int model = 0; model < 400; model++) {
            int subtask = subtask("shop-" + model, largest, 4);
            counts.set(subtask, counts.get(subtask) + 1);
        }
        assertThat(counts).allSatisfy(count -> assertThat(count).isBetween(60, 140));
    }

    @Test
    void smallWorkIsDoneInlineByItsCost() {
        assertThat(RefreshMode.AUTO.isInline(RefreshMethod.QR_ITERATION, 96)).isTrue();
        assertThat(RefreshMode.AUTO.isInline(RefreshMethod.QR_ITERATION, 97)).isFalse();
        assertThat(RefreshMode.AUTO.isInline(RefreshMethod.INVERSE, 128))
                .as("costs less than a QR iteration")
                .isTrue();
        assertThat(RefreshMode.AUTO.isInline(RefreshMethod.PAIR, 96))
                .as("costs more")
                .isFalse();
        assertThat(RefreshMode.AUTO.isInline(RefreshMethod.PAIR, 46_341))
                .as("no overflow")
                .isFalse();
        assertThat(RefreshMode.INLINE.isInline(RefreshMethod.PAIR, 4000)).isTrue();
        assertThat(RefreshMode.REMOTE.isInline(RefreshMethod.INVERSE, 1)).isFalse();
    }

    /** Where Flink takes the request. */
    private static int subtask(String model, RefreshSide side, int parallelism) {
        RefreshPlan plan = new RefreshPlan(LEARNER, parallelism, MAX_PARALLELISM);
        return KeyGroupRangeAssignment.assignKeyToParallelOperator(
                plan.getKey(request(model, side)), MAX_PARALLELISM, parallelism);
    }

    private static LearnerSettings with(List<Integer> hidden) {
        LearnerSettings learner = TestStreams.learner();
        return new LearnerSettings(
                learner.schema(), hidden, Activation.RELU, learner.optimizer(), 4, 0, learner.lag(), learner.seed());
    }

    private static RefreshRequest request(String model, RefreshSide side) {
        return new RefreshRequest(
                model,
                side.layer(),
                side.side(),
                1,
                1,
                "configuration",
                "fingerprint",
                RefreshMethod.QR_ITERATION,
                side.size(),
                0,
                0,
                new float[0],
                new float[0],
                new float[0]);
    }
}
