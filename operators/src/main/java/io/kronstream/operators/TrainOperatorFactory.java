// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.Example;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.state.DeadLetter;
import io.kronstream.state.KronstreamTypes;
import io.kronstream.state.ModelScore;
import io.kronstream.state.TensorChannel;
import java.util.Objects;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.util.OutputTag;

/**
 * TRAIN: learns from examples that are keyed by {@link Example#model()}. Its main output are the scores; models, refresh
 * requests and refused mini-batches leave through side outputs.
 *
 * <p>What a model learns is a function of its examples alone: not of timing, parallelism, cache, failures, or of where
 * and when its refreshes are computed.
 */
public final class TrainOperatorFactory extends AbstractStreamOperatorFactory<ModelScore>
        implements OneInputStreamOperatorFactory<Example, ModelScore> {
    private static final long serialVersionUID = 1;

    /** Every published version. */
    public static final OutputTag<PublishedModel> MODELS = new OutputTag<>("models", KronstreamTypes.PUBLISHED_MODEL);
    /** What EIGEN-REFRESH is to compute, if refreshes are remote. */
    public static final OutputTag<RefreshRequest> REFRESHES =
            new OutputTag<>("refreshes", KronstreamTypes.REFRESH_REQUEST);
    /** Mini-batches that were refused. */
    public static final OutputTag<DeadLetter> DEAD_LETTERS =
            new OutputTag<>("dead-letters", KronstreamTypes.DEAD_LETTER);

    private final TrainSettings settings;
    private final TensorChannel channel;
    private final boolean weightsOnly;

    /**
     * @param settings see there
     * @param channel brings the answers of EIGEN-REFRESH; may be null if refreshes are inline
     */
    public TrainOperatorFactory(TrainSettings settings, TensorChannel channel) {
        this(settings, channel, false);
    }

    /**
     * @param weightsOnly whether a state of another optimizer is taken over: the network goes on with its parameters,
     *     feature statistics, open mini-batches and positions, and the optimizer starts anew
     */
    public TrainOperatorFactory(TrainSettings settings, TensorChannel channel, boolean weightsOnly) {
        this.settings = Objects.requireNonNull(settings);
        this.channel = channel;
        this.weightsOnly = weightsOnly;
        if (channel == null && settings.refresh() != RefreshMode.INLINE) {
            throw new IllegalArgumentException("Remote refreshes need a channel");
        }
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T extends StreamOperator<ModelScore>> T createStreamOperator(
            StreamOperatorParameters<ModelScore> parameters) {
        return (T) new TrainOperator(parameters, settings, channel, weightsOnly);
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return TrainOperator.class;
    }
}
