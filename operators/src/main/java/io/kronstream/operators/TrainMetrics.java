// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.state.LearnerStore;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MeterView;
import org.apache.flink.metrics.MetricGroup;

/** What TRAIN shows of a subtask in the dashboard, since its last start. */
final class TrainMetrics {
    /** Mean loss of the last {@link #WINDOW} steps of all models. */
    static final String WINDOWED_LOSS = "trainLossOfLast256Steps";

    static final String STEPS = "trainSteps";
    static final String STEPS_PER_SECOND = "trainStepsPerSecond";
    static final String PARKED_MODELS = "trainParkedModels";
    static final String PARKED_BYTES = "trainParkedBytes";
    static final String CACHED_MODELS = "trainCachedModels";
    static final String CACHED_HEAP_BYTES = "trainCachedHeapBytes";
    static final String CACHED_NATIVE_BYTES = "trainCachedNativeBytes";
    static final String CACHE_HITS = "trainCacheHits";
    static final String CACHE_MISSES = "trainCacheMisses";
    static final String EVICTIONS = "trainEvictedModels";
    static final String WRITE_BACKS = "trainWrittenBackModels";
    static final String OF_OTHER_NUMERICS = "trainModelsOfOtherNumerics";
    static final String OUTSTANDING_REFRESHES = "trainOutstandingRefreshes";
    static final String REFRESH_MILLIS = "trainLastRefreshMillis";
    static final String STANDSTILLS = "trainStandstills";
    static final String REQUESTED = "trainRefreshesRequested";
    static final String INLINE = "trainRefreshesInline";
    static final String APPLIED = "trainRefreshesApplied";
    static final String SKIPPED = "trainRefreshesSkipped";
    static final String FAILED = "trainRefreshesFailed";
    static final String LATE = "trainRefreshesLate";
    static final String DISCARDED = "trainAnswersDiscarded";
    static final String STALENESS_STEPS = "trainLastRefreshStalenessSteps";
    static final String INLINE_MILLIS = "trainLastInlineRefreshMillis";

    private static final int WINDOW = 256;

    private final Counter steps;
    private final Counter standstills;
    private final double[] losses = new double[WINDOW];
    private long lossCount;
    private volatile double windowedLoss = Double.NaN;
    private volatile long refreshMillis;
    private volatile long inlineMillis;
    private volatile long stalenessSteps;
    private volatile int outstandingRefreshes;

    TrainMetrics(MetricGroup group, LearnerStore store, TrainCounters counters) {
        steps = group.counter(STEPS);
        group.meter(STEPS_PER_SECOND, new MeterView(steps));
        standstills = group.counter(STANDSTILLS);
        group.gauge(WINDOWED_LOSS, (Gauge<Double>) () -> windowedLoss);
        group.gauge(REFRESH_MILLIS, (Gauge<Long>) () -> refreshMillis);
        group.gauge(INLINE_MILLIS, (Gauge<Long>) () -> inlineMillis);
        group.gauge(STALENESS_STEPS, (Gauge<Long>) () -> stalenessSteps);
        group.gauge(REQUESTED, (Gauge<Long>) () -> value(counters.refreshesRemote) + value(counters.refreshesInline));
        group.gauge(INLINE, (Gauge<Long>) () -> value(counters.refreshesInline));
        group.gauge(APPLIED, (Gauge<Long>) () -> value(counters.refreshesApplied));
        group.gauge(SKIPPED, (Gauge<Long>) () -> value(counters.refreshesSkipped));
        group.gauge(FAILED, (Gauge<Long>) () -> value(counters.refreshesFailed));
        group.gauge(LATE, (Gauge<Long>) () -> value(counters.refreshesLate));
        group.gauge(DISCARDED, (Gauge<Long>) () -> value(counters.refreshesDiscarded));
        group.gauge(OUTSTANDING_REFRESHES, (Gauge<Integer>) () -> outstandingRefreshes);
        group.gauge(PARKED_MODELS, (Gauge<Integer>) store::parkedModels);
        group.gauge(PARKED_BYTES, (Gauge<Long>) store::parkedBytes);
        group.gauge(CACHED_MODELS, (Gauge<Integer>) store::residentModels);
        group.gauge(CACHED_HEAP_BYTES, (Gauge<Long>) store::residentHeapBytes);
        group.gauge(CACHED_NATIVE_BYTES, (Gauge<Long>) store::residentNativeBytes);
        group.gauge(CACHE_HITS, (Gauge<Long>) store::hits);
        group.gauge(CACHE_MISSES, (Gauge<Long>) store::misses);
        group.gauge(EVICTIONS, (Gauge<Long>) store::evictions);
        group.gauge(WRITE_BACKS, (Gauge<Long>) store::writeBacks);
        group.gauge(OF_OTHER_NUMERICS, (Gauge<Long>) store::ofOtherNumerics);
    }

    void stepped(double loss) {
        steps.inc();
        losses[(int) (lossCount++ % WINDOW)] = loss;
        int count = (int) Math.min(lossCount, WINDOW);
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += losses[i];
        }
        windowedLoss = sum / count;
    }

    private static long value(LongCounter counter) {
        return counter.getLocalValuePrimitive();
    }

    /** An answer was used, so many milliseconds after it was asked for. */
    void answered(long millis) {
        refreshMillis = millis;
    }

    /** TRAIN has computed a refresh itself, in so many milliseconds. */
    void computed(long millis) {
        inlineMillis = millis;
    }

    /** A refresh was installed that was asked for so many steps ago. */
    void installed(long steps) {
        stalenessSteps = steps;
    }

    void outstandingRefreshes(int count) {
        outstandingRefreshes = count;
    }

    /** More examples wait than may: the subtask stands still until some of them are learned. */
    void stoodStill() {
        standstills.inc();
    }
}
