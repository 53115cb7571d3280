// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.jobs.Metric;
import io.kronstream.learner.Score;
import io.kronstream.learner.Task;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class EvaluationTest {
    /** Sums of a few doubles. */
    private static final Offset<Double> ROUNDING = within(1e-12);

    @Test
    void judgesClassesAsByHand() {
        Evaluation evaluation = new Evaluation(Task.BINARY);
        // label, model, no-change, prior
        add(evaluation, 0, 1, 0.8, 0.5, 0.3);
        add(evaluation, 1, 0, 0.4, 0.5, 0.3);
        add(evaluation, 2, 1, 0.4, 0.1, 0.3);
        add(evaluation, 3, 0, 0.0, 0.1, 0.3);

        assertThat(evaluation.whole(Predictor.MODEL, Metric.ACCURACY)).isEqualTo(0.75);
        assertThat(evaluation.whole(Predictor.NO_CHANGE, Metric.ACCURACY)).isEqualTo(0.5);
        assertThat(evaluation.whole(Predictor.PRIOR, Metric.ACCURACY)).isEqualTo(0.5);
        assertThat(evaluation.lastQuarter(Predictor.MODEL, Metric.ACCURACY)).isEqualTo(1);
        assertThat(evaluation.whole(Predictor.MODEL, Metric.LOG_LOSS))
                .isCloseTo(-(Math.log(0.8) + Math.log(0.6) + Math.log(0.4) + Math.log(1 - 1e-4)) / 4, ROUNDING);
        // Of the four pairs of a positive and a negative: 0.8 > 0.4, 0.8 > 0, 0.4 = 0.4, 0.4 > 0.
        assertThat(evaluation.all(Predictor.MODEL)).containsEntry("auc", 3.5 / 4);
        assertThat(evaluation.all(Predictor.PRIOR)).containsEntry("auc", 0.5);
        assertThat(evaluation.all(Predictor.MODEL))
                .containsOnlyKeys("accuracy", "logLoss", "auc", "normalisedEntropy", "calibration");
    }

    @Test
    void judgesNumbersAsByHand() {
        Evaluation evaluation = new Evaluation(Task.REGRESSION);
        add(evaluation, 0, 1, 2, 4, 0);
        add(evaluation, 1, 2, 2, 5, 0);
        add(evaluation, 2, 3, 1, 3, 0);
        add(evaluation, 3, 4, 7, 8, 0);

        assertThat(evaluation.whole(Predictor.MODEL, Metric.RMSE)).isCloseTo(Math.sqrt(14 / 4.0), ROUNDING);
        assertThat(evaluation.whole(Predictor.MODEL, Metric.MAE)).isCloseTo(6 / 4.0, ROUNDING);
        assertThat(evaluation.whole(Predictor.MODEL, Metric.RELATIVE_RMSE)).isCloseTo(Math.sqrt(14 / 34.0), ROUNDING);
        assertThat(evaluation.whole(Predictor.NO_CHANGE, Metric.RELATIVE_RMSE)).isEqualTo(1);
        assertThat(evaluation.lastQuarter(Predictor.MODEL, Metric.RMSE)).isCloseTo(3, ROUNDING);
        assertThat(evaluation.window(Predictor.MODEL, Metric.MAE)).isCloseTo(6 / 4.0, ROUNDING);
        assertThat(evaluation.baseline(Metric.RMSE)).isEqualTo(Predictor.PRIOR);
    }

    @Test
    void aScoreThatComesAgainCountsOnce() {
        Evaluation evaluation = new Evaluation(Task.REGRESSION);
        add(evaluation, 0, 0, 1, 0, 0);
        add(evaluation, 1, 0, 2, 0, 0);

        assertThat(evaluation.add("m", score(0, 0, 1, 0, 0))).isFalse();
        assertThat(evaluation.add("m", score(1, 0, 2, 0, 0))).isFalse();
        assertThat(evaluation.add("other", score(0, 0, 3, 0, 0))).isTrue();

        assertThat(evaluation.examples()).isEqualTo(3);
        assertThat(evaluation.whole(Predictor.MODEL, Metric.MAE)).isEqualTo(2);
    }

    @Test
    void theLastQuarterStartsAtThreeQuartersRoundedDown() {
        Evaluation evaluation = new Evaluation(Task.REGRESSION);
        for (int i = 0; i < 7; i++) {
            add(evaluation, i, 0, i, 0, 0);
        }

        // floor(3 * 7 / 4) = 5: the errors 5 and 6.
        assertThat(evaluation.lastQuarter(Predictor.MODEL, Metric.MAE)).isEqualTo(5.5);
    }

    @Test
    void theWindowForgets() {
        Evaluation evaluation = new Evaluation(Task.REGRESSION);
        for (int i = 0; i < 3 * Evaluation.WINDOW; i++) {
            add(evaluation, i, 0, i < 2 * Evaluation.WINDOW ? 1 : 3, 0, 0);
        }

        assertThat(evaluation.window(Predictor.MODEL, Metric.MAE)).isEqualTo(3);
        assertThat(evaluation.whole(Predictor.MODEL, Metric.MAE)).isCloseTo(5 / 3.0, ROUNDING);
    }

    @Test
    void aLongRunKeepsItsLastQuarterInBoundedMemory() {
        Evaluation evaluation = new Evaluation(Task.REGRESSION);
        int n = 4 * Evaluation.MARKS;
        for (int i = 0; i < n; i++) {
            add(evaluation, i, 0, i < n / 4 * 3 ? 1 : 2, 0, 0);
        }

        assertThat(evaluation.lastQuarter(Predictor.MODEL, Metric.MAE)).isEqualTo(2);
        assertThat(evaluation.whole(Predictor.MODEL, Metric.MAE)).isEqualTo(1.25);
    }

    @Test
    void scoresCountByTheirWeight() {
        Evaluation evaluation = new Evaluation(Task.REGRESSION);
        evaluation.add("m", new Score(0, 0, 0, 0, 0, 1, 2, 0, 0, 3));
        evaluation.add("m", new Score(0, 1, 0, 0, 0, 5, 2, 0, 0, 1));

        assertThat(evaluation.whole(Predictor.MODEL, Metric.MAE)).isEqualTo((3 * 1 + 3) / 4.0);
        assertThat(evaluation.window(Predictor.MODEL, Metric.MAE)).isEqualTo((3 * 1 + 3) / 4.0);
    }

    @Test
    void nothingIsNotANumber() {
        Evaluation evaluation = new Evaluation(Task.BINARY);

        assertThat(evaluation.whole(Predictor.MODEL, Metric.ACCURACY)).isNaN();
        assertThat(evaluation.lastQuarter(Predictor.MODEL, Metric.LOG_LOSS)).isNaN();
        assertThat(evaluation.window(Predictor.MODEL, Metric.LOG_LOSS)).isNaN();
        assertThat(evaluation.all(Predictor.MODEL).values()).allMatch(value -> value.isNaN());
        assertThat(Map.copyOf(evaluation.all(Predictor.MODEL))).hasSize(3);
    }

    private static void add(
            Evaluation evaluation, long offset, double label, double model, double noChange, double prior) {
        assertThat(evaluation.add("m", score(offset, label, model, noChange, prior)))
                .isTrue();
    }

    private static Score score(long offset, double label, double model, double noChange, double prior) {
        return new Score(0, offset, 0, 0, 0, model, label, noChange, prior);
    }
}
