// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.evaluation.WindowMetrics;
import io.kronstream.learner.Example;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** The types that travel between operators. */
public final class KronstreamTypes {
    public static final TypeInformation<Example> EXAMPLE =
            new CodecTypeInformation<>(Example.class, new ExampleCodec());
    public static final TypeInformation<ModelScore> MODEL_SCORE =
            new CodecTypeInformation<>(ModelScore.class, new ModelScoreCodec());
    public static final TypeInformation<PublishedModel> PUBLISHED_MODEL =
            new CodecTypeInformation<>(PublishedModel.class, new PublishedModelCodec());
    public static final TypeInformation<RefreshRequest> REFRESH_REQUEST =
            new CodecTypeInformation<>(RefreshRequest.class, new RefreshRequestCodec());
    public static final TypeInformation<RefreshAnswer> REFRESH_ANSWER =
            new CodecTypeInformation<>(RefreshAnswer.class, new RefreshAnswerCodec());
    public static final TypeInformation<WindowMetrics> WINDOW_METRICS =
            new CodecTypeInformation<>(WindowMetrics.class, new WindowMetricsCodec());
    public static final TypeInformation<DeadLetter> DEAD_LETTER =
            new CodecTypeInformation<>(DeadLetter.class, new DeadLetterCodec());

    private KronstreamTypes() {}
}
