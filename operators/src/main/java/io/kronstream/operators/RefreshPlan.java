// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshSide;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.util.MathUtils;

/**
 * Which subtask of EIGEN-REFRESH computes what. Work is cubic in the size of a factor, so equal numbers of factors are not
 * equal work: the sides of a model are dealt out largest first, each to the subtask that has least so far, which is at
 * most a third worse than the best plan there is. Models that share the job begin at different subtasks.
 *
 * <p>A key is no more than the name of a subtask, chosen so that Flink brings it there: a partitioner of our own would
 * say it directly, but rules out unaligned checkpoints.
 *
 * <p>Reference: Graham, Bounds on multiprocessing timing anomalies, SIAM J. Appl. Math. 17 (1969).
 */
public final class RefreshPlan implements KeySelector<RefreshRequest, String> {
    private static final long serialVersionUID = 1;

    private final LearnerSettings settings;
    private final int parallelism;
    private final int maxParallelism;
    private transient Map<Place, Integer> places;
    private transient String[] keys;

    /** A side of a layer. */
    private record Place(int layer, int side) {}

    /**
     * @param settings of the models that ask
     * @param parallelism of EIGEN-REFRESH
     * @param maxParallelism of EIGEN-REFRESH
     */
    public RefreshPlan(LearnerSettings settings, int parallelism, int maxParallelism) {
        this.settings = settings;
        this.parallelism = parallelism;
        this.maxParallelism = maxParallelism;
    }

    @Override
    public String getKey(RefreshRequest request) {
        if (places == null) {
            places = deal(RefreshSide.of(settings), parallelism);
            keys = keys(parallelism, maxParallelism);
        }
        int start = MathUtils.murmurHash(request.model().hashCode()) % parallelism;
        return keys[(places.get(new Place(request.layer(), request.side())) + start) % parallelism];
    }

    private static Map<Place, Integer> deal(List<RefreshSide> sides, int count) {
        double[] load = new double[count];
        Map<Place, Integer> places = new HashMap<>();
        for (RefreshSide side : sides.stream()
                .sorted(Comparator.comparingInt(RefreshSide::size).reversed()) // stable: equal ones stay in order
                .toList()) {
            int least = 0;
            for (int subtask = 1; subtask < count; subtask++) {
                least = load[subtask] < load[least] ? subtask : least;
            }
            load[least] += Math.pow(side.size(), 3);
            places.put(new Place(side.layer(), side.side()), least);
        }
        return places;
    }

    /** For each subtask a key that belongs to it. */
    private static String[] keys(int parallelism, int maxParallelism) {
        String[] keys = new String[parallelism];
        int found = 0;
        for (int number = 0; found < parallelism; number++) {
            String key = Integer.toString(number);
            int subtask = KeyGroupRangeAssignment.assignKeyToParallelOperator(key, maxParallelism, parallelism);
            if (keys[subtask] == null) {
                keys[subtask] = key;
                found++;
            }
        }
        return keys;
    }
}
