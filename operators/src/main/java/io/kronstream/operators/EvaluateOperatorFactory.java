// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.evaluation.WindowMetrics;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Task;
import io.kronstream.state.ModelScore;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;

/**
 * EVALUATE: how good each model is, by windows of the examples' own time and so far. Keyed by {@link ModelScore#model()};
 * its sums are part of the state, so a failure changes none of them. Its output are the windows that have closed.
 */
public final class EvaluateOperatorFactory extends AbstractStreamOperatorFactory<WindowMetrics>
        implements OneInputStreamOperatorFactory<ModelScore, WindowMetrics> {
    private static final long serialVersionUID = 1;

    private final Task task;
    private final double level;
    private final long windowMillis;

    /** @param windowMillis length of a window */
    public EvaluateOperatorFactory(LearnerSettings learner, long windowMillis) {
        this.task = learner.schema().task();
        this.level = learner.network().quantile();
        this.windowMillis = windowMillis;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T extends StreamOperator<WindowMetrics>> T createStreamOperator(
            StreamOperatorParameters<WindowMetrics> parameters) {
        return (T) new EvaluateOperator(parameters, task, level, windowMillis);
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return EvaluateOperator.class;
    }
}
