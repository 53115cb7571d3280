// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.evaluation.WindowMetrics;
import io.kronstream.learner.Task;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/**
 * What EVALUATE shows of a subtask in the dashboard, since its last start: of each of the first models the metrics of the
 * window that closed last, in a group {@code model.ID}.
 */
final class EvaluateMetrics {
    static final String SCORES = "evaluateScores";
    static final String LATE = "evaluateLateScores";
    static final String WINDOWS = "evaluateClosedWindows";
    static final String PREFIX = "evaluate";

    /** Models of a subtask that have gauges of their own. */
    static final int SHOWN_MODELS = 32;

    private final MetricGroup group;
    private final Task task;
    private final Counter scores;
    private final Counter late;
    private final Counter windows;
    private final Map<String, Map<String, Double>> shown = new HashMap<>();

    EvaluateMetrics(MetricGroup group, Task task) {
        this.group = group;
        this.task = task;
        scores = group.counter(SCORES);
        late = group.counter(LATE);
        windows = group.counter(WINDOWS);
    }

    /** The metrics of a task's labels, by the names of {@link io.kronstream.evaluation.Tally}. */
    static List<String> of(Task task) {
        return switch (task) {
            case BINARY -> List.of("accuracy", "logLoss", "normalisedEntropy", "calibration", "auc");
            case CLASSIFICATION -> List.of("accuracy", "logLoss");
            case REGRESSION -> List.of("rmse", "mae", "relativeRmse", "mase", "pinball");
        };
    }

    /** The name of the gauge that shows a metric of the last window. */
    static String gauge(String metric) {
        return PREFIX + Character.toUpperCase(metric.charAt(0)) + metric.substring(1);
    }

    void scored(boolean inTime) {
        scores.inc();
        if (!inTime) {
            late.inc();
        }
    }

    void closed(WindowMetrics window) {
        windows.inc();
        Map<String, Double> values = shown.get(window.model());
        if (values == null && shown.size() < SHOWN_MODELS) {
            Map<String, Double> fresh = new ConcurrentHashMap<>();
            MetricGroup own = group.addGroup("model", window.model());
            for (String metric : of(task)) {
                own.gauge(gauge(metric), (Gauge<Double>) () -> fresh.getOrDefault(metric, Double.NaN));
            }
            shown.put(window.model(), fresh);
            values = fresh;
        }
        if (values != null) {
            values.putAll(window.metrics());
        }
    }
}
