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

        @Override
        int answer(Score.Answers answers) {
            return answers.model();
        }
    },
    NO_CHANGE {
        @Override
        double prediction(Score score) {
            return score.noChange();
        }

        @Override
        int answer(Score.Answers answers) {
            return answers.noChange();
        }
    },
    /** The mean of all known labels; for classes this is the majority. */
    PRIOR {
        @Override
        double prediction(Score score) {
            return score.prior();
        }

        @Override
        int answer(Score.Answers answers) {
            return answers.prior();
        }
    };

    abstract double prediction(Score score);

    /** The class that it held most probable. */
    abstract int answer(Score.Answers answers);

    /** Its name in summaries. */
    public String title(Task task) {
        return switch (this) {
            case MODEL -> "model";
            case NO_CHANGE -> "no-change";
            case PRIOR -> task == Task.REGRESSION ? "running-mean" : "majority";
        };
    }
}
