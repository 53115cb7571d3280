// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.fisher.RefreshHealth;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

class EigenRefreshMetricsTest {
    @Test
    void theyShowTheLastRefreshAndCountAll() {
        Recorded recorded = new Recorded();
        EigenRefreshMetrics metrics = new EigenRefreshMetrics(recorded);
        assertThat((Double) recorded.values.get(EigenRefreshMetrics.RESIDUAL).getValue())
                .isNaN();

        metrics.computed(64, true, 3, new RefreshHealth(0.25, 1e6, 12.5, 0.01));
        metrics.computed(8, false, 1, RefreshHealth.UNKNOWN);
        metrics.computed(32, true, 2, new RefreshHealth(0.5, 100, 3.5, 0.125));
        metrics.notSent();

        Map<String, Object> values = new TreeMap<>();
        recorded.values.forEach((name, gauge) -> values.put(name, gauge.getValue()));
        recorded.counters.forEach((name, counter) -> values.put(name, counter.getCount()));
        assertThat(values)
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        EigenRefreshMetrics.COMPUTED,
                        3L,
                        EigenRefreshMetrics.FAILED,
                        1L,
                        EigenRefreshMetrics.NOT_SENT,
                        1L,
                        EigenRefreshMetrics.MILLIS,
                        2L,
                        EigenRefreshMetrics.SIDE,
                        32,
                        EigenRefreshMetrics.RESIDUAL,
                        0.5,
                        EigenRefreshMetrics.CONDITION,
                        100.0,
                        EigenRefreshMetrics.RANK,
                        3.5,
                        EigenRefreshMetrics.ROTATION,
                        0.125));
    }

    private static final class Recorded extends UnregisteredMetricsGroup {
        final Map<String, Gauge<?>> values = new TreeMap<>();
        final Map<String, Counter> counters = new TreeMap<>();

        @Override
        public <T, G extends Gauge<T>> G gauge(String name, G gauge) {
            values.put(name, gauge);
            return gauge;
        }

        @Override
        public Counter counter(String name) {
            return counters.computeIfAbsent(name, unused -> new SimpleCounter());
        }
    }
}
