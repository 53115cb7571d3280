// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.learner.Score;
import io.kronstream.learner.Task;

/** Who made a prediction. */
public enum Predictor {
    MODEL {
        @Override
        double prediction(Score score) {
            return score.prediction();
        }
    },
    NO_CHANGE {
        @Override
        double prediction(Score score) {
            return score.noChange();
        }
    },
    /** The mean of all known labels; for classes this is the majority. */
    PRIOR {
        @Override
        double prediction(Score score) {
            return score.prior();
        }
    };

    abstract double prediction(Score score);

    /** Its name in summaries. */
    public String title(Task task) {
        return switch (this) {
            case MODEL -> "model";
            case NO_CHANGE -> "no-change";
            case PRIOR -> task == Task.BINARY ? "majority" : "running-mean";
        };
    }
}
