// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshSide;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.Partitioner;
import org.apache.flink.util.MathUtils;

/**
 * Which subtask of EIGEN-REFRESH computes what. Work is cubic in the size of a factor, so equal numbers of factors are not
 * equal work: the sides of a model are dealt out largest first, each to the subtask that has least so far, which is at
 * most a third worse than the best plan there is. Models that share the job begin at different subtasks.
 *
 * <p>Reference: Graham, Bounds on multiprocessing timing anomalies, SIAM J. Appl. Math. 17 (1969).
 */
public final class RefreshPlan implements Partitioner<RefreshRequest> {
    private static final long serialVersionUID = 1;

    private final LearnerSettings settings;
    private transient int subtasks;
    private transient Map<Place, Integer> places;

    /** A side of a layer. */
    private record Place(int layer, int side) {}

    /** @param settings of the models that ask */
    public RefreshPlan(LearnerSettings settings) {
        this.settings = settings;
    }

    @Override
    public int partition(RefreshRequest request, int count) {
        if (places == null || subtasks != count) {
            places = deal(RefreshSide.of(settings), count);
            subtasks = count;
        }
        int start = MathUtils.murmurHash(request.model().hashCode()) % count;
        return (places.get(new Place(request.layer(), request.side())) + start) % count;
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
}
