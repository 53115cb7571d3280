// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.fisher.RefreshHealth;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/** What EIGEN-REFRESH shows of a subtask in the dashboard, since its last start. */
final class EigenRefreshMetrics {
    static final String COMPUTED = "eigenRefreshes";
    static final String FAILED = "eigenRefreshesFailed";
    static final String NOT_SENT = "eigenRefreshesNotSent";
    static final String MILLIS = "eigenRefreshLastMillis";
    static final String SIDE = "eigenRefreshLastSideLength";
    static final String RESIDUAL = "eigenRefreshLastResidual";
    static final String CONDITION = "eigenRefreshLastConditionNumber";
    static final String RANK = "eigenRefreshLastEffectiveRank";
    static final String ROTATION = "eigenRefreshLastRotation";

    private final Counter computed;
    private final Counter failed;
    private final Counter notSent;
    private volatile long lastMillis;
    private volatile int lastSide;
    private volatile RefreshHealth lastHealth = RefreshHealth.UNKNOWN;

    EigenRefreshMetrics(MetricGroup group) {
        computed = group.counter(COMPUTED);
        failed = group.counter(FAILED);
        notSent = group.counter(NOT_SENT);
        group.gauge(MILLIS, (Gauge<Long>) () -> lastMillis);
        group.gauge(SIDE, (Gauge<Integer>) () -> lastSide);
        group.gauge(RESIDUAL, (Gauge<Double>) () -> lastHealth.residual());
        group.gauge(CONDITION, (Gauge<Double>) () -> lastHealth.conditionNumber());
        group.gauge(RANK, (Gauge<Double>) () -> lastHealth.effectiveRank());
        group.gauge(ROTATION, (Gauge<Double>) () -> lastHealth.rotation());
    }

    void computed(int side, boolean succeeded, long millis, RefreshHealth health) {
        computed.inc();
        if (!succeeded) {
            failed.inc();
        }
        lastSide = side;
        lastMillis = millis;
        lastHealth = health;
    }

    void notSent() {
        notSent.inc();
    }
}
