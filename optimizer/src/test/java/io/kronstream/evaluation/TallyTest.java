// SPDX-License-Identifier: Apache-2.0
package io.kronstream.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.learner.Score;
import io.kronstream.learner.Task;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Metrics against their definitions, written out over all scores at once. */
class TallyTest {
    private static final double ROUNDING = 1e-12;
    /** Pairs of different labels whose predictions share one of the bins count half: of these scores about 1 in 300. */
    private static final double BINNED = 2e-3;

    @Test
    void ofSeveralClassesTheMostProbableOneCounts() {
        List<Score> scores = List.of(
                new Score(0, 0, 0, 0, 0, 0.5, 2, 0.25, 0.2, 1, new Score.Answers(2, 0, 1)),
                new Score(0, 1, 0, 0, 0, 0.25, 1, 0.5, 0.2, 1, new Score.Answers(0, 1, 0)),
                new Score(0, 2, 0, 0, 0, 0.0, 0, 0.5, 0.2, 1, new Score.Answers(1, 0, 0)));
        Tally tally = tally(Task.CLASSIFICATION, Double.NaN, scores);

        assertThat(tally.metrics()).containsOnlyKeys("accuracy", "logLoss");
        assertThat(tally.metrics().get("accuracy")).isCloseTo(1 / 3.0, within(ROUNDING));
        assertThat(tally.metrics().get("logLoss"))
                .isCloseTo((Math.log(2) + Math.log(4) - Math.log(1e-4)) / 3, within(ROUNDING));
        assertThat(tally.metrics(Tally.Predictor.NO_CHANGE).get("accuracy")).isCloseTo(2 / 3.0, within(ROUNDING));
        assertThat(tally.metrics(Tally.Predictor.PRIOR).get("accuracy")).isCloseTo(1 / 3.0, within(ROUNDING));
    }

    @Test
    void ofClassesTheMetricsAreThoseOfTheTextbook() {
        List<Score> scores = binary(3000);
        Tally tally = tally(Task.BINARY, Double.NaN, scores);

        double loss = 0;
        double hits = 0;
        double labels = 0;
        double predictions = 0;
        double wins = 0;
        double pairs = 0;
        for (Score score : scores) {
            loss -= Math.log(score.label() == 1 ? score.prediction() : 1 - score.prediction());
            hits += (score.prediction() >= 0.5) == (score.label() == 1) ? 1 : 0;
            labels += score.label();
            predictions += score.prediction();
            for (Score other : scores) {
                if (score.label() > other.label()) {
                    pairs++;
                    wins += score.prediction() > other.prediction() ? 1 : 0;
                }
            }
        }
        double share = labels / scores.size();
        double entropy = -share * Math.log(share) - (1 - share) * Math.log(1 - share);
        assertThat(tally.metrics().keySet())
                .containsExactly("accuracy", "auc", "calibration", "logLoss", "normalisedEntropy");
        assertThat(tally.metrics().get("accuracy")).isEqualTo(hits / scores.size());
        assertThat(tally.metrics().get("logLoss")).isCloseTo(loss / scores.size(), within(ROUNDING));
        assertThat(tally.metrics().get("normalisedEntropy"))
                .isCloseTo(loss / scores.size() / entropy, within(ROUNDING));
        assertThat(tally.metrics().get("calibration")).isCloseTo(predictions / labels, within(ROUNDING));
        assertThat(tally.metrics().get("auc")).isCloseTo(wins / pairs, within(BINNED));
        assertThat(tally.metrics(Tally.Predictor.PRIOR).get("logLoss")).isCloseTo(Math.log(2), within(ROUNDING));
    }

    @Test
    void ofNumbersTheMetricsAreThoseOfTheTextbook() {
        List<Score> scores = numbers(1000);
        Tally tally = tally(Task.REGRESSION, 0.9, scores);

        double square = 0;
        double absolute = 0;
        double naiveSquare = 0;
        double naive = 0;
        double pinball = 0;
        for (Score score : scores) {
            double error = score.label() - score.prediction();
            square += error * error;
            absolute += Math.abs(error);
            naive += Math.abs(score.label() - score.noChange());
            naiveSquare += Math.pow(score.label() - score.noChange(), 2);
            pinball += Math.max(0.9 * error, -0.1 * error);
        }
        assertThat(tally.metrics().keySet()).containsExactly("mae", "mase", "pinball", "relativeRmse", "rmse");
        assertThat(tally.metrics().get("rmse")).isCloseTo(Math.sqrt(square / 1000), within(ROUNDING));
        assertThat(tally.metrics().get("mae")).isCloseTo(absolute / 1000, within(ROUNDING));
        assertThat(tally.metrics().get("mase")).isCloseTo(absolute / naive, within(ROUNDING));
        assertThat(tally.metrics().get("relativeRmse")).isCloseTo(Math.sqrt(square / naiveSquare), within(ROUNDING));
        assertThat(tally.metrics().get("pinball")).isCloseTo(pinball / 1000, within(ROUNDING));
        assertThat(tally(Task.REGRESSION, Double.NaN, scores).metrics()).doesNotContainKey("pinball");
    }

    /** A score of weight 3 counts as three of weight 1. */
    @Test
    void everyScoreCountsByItsWeight() {
        for (Task task : List.of(Task.BINARY, Task.REGRESSION)) {
            List<Score> scores = task == Task.BINARY ? binary(100) : numbers(100);
            Tally threefold = new Tally(task, 0.9);
            Tally weighted = new Tally(task, 0.9);
            for (Score score : scores) {
                int times = score.timestamp() % 2000 == 0 ? 3 : 1;
                for (int i = 0; i < times; i++) {
                    threefold.add(score);
                }
                weighted.add(new Score(
                        score.partition(),
                        score.offset(),
                        score.row(),
                        score.timestamp(),
                        score.step(),
                        score.prediction(),
                        score.label(),
                        score.noChange(),
                        score.prior(),
                        times));
            }
            threefold
                    .metrics()
                    .forEach((name, value) ->
                            assertThat(weighted.metrics().get(name)).as(name).isCloseTo(value, within(ROUNDING)));
            assertThat(weighted.examples()).isEqualTo(100);
        }
    }

    @Test
    void whatDoesNotExistIsNotANumber() {
        Tally tally = tally(Task.BINARY, Double.NaN, List.of(score(0, 0, 0.2)));

        assertThat(tally.metrics().get("auc")).isNaN();
        assertThat(tally.metrics().get("calibration")).isNaN();
        assertThat(tally.metrics().get("normalisedEntropy")).isNaN();
        assertThat(tally.metrics().get("accuracy")).isEqualTo(1);
    }

    @Test
    void windowsCloseWhenTwoLaterOnesHaveBegun() {
        EventTimeWindows windows = new EventTimeWindows("m", Task.BINARY, Double.NaN, 1000);
        List<WindowMetrics> closed = new ArrayList<>();
        for (long time : new long[] {10, 20, 999, 1000, 1500, 500, 1L << 40, 2000, 10, 3000}) {
            windows.add(score(time, 1, 0.75), closed::add);
        }

        assertThat(closed).extracting(WindowMetrics::from).containsExactly(0L, 1000L, 2000L);
        assertThat(closed).extracting(WindowMetrics::examples).containsExactly(4L, 2L, 1L);
        assertThat(closed).extracting(WindowMetrics::wholeExamples).containsExactly(7L, 8L, 10L);
        assertThat(windows.late()).isEqualTo(1);
        windows.end(closed::add);
        assertThat(closed).hasSize(5);
        assertThat(closed.get(4).from()).isEqualTo((1L << 40) / 1000 * 1000);
    }

    @Test
    void whatIsStoredGoesOnAsIfItHadNeverBeen() throws Exception {
        for (Task task : List.of(Task.BINARY, Task.REGRESSION)) {
            List<Score> scores = task == Task.BINARY ? binary(500) : numbers(500);
            List<WindowMetrics> expected = new ArrayList<>();
            EventTimeWindows whole = new EventTimeWindows("m", task, 0.5, 7000);
            scores.forEach(score -> whole.add(score, expected::add));
            whole.end(expected::add);
            for (int cut = 1; cut < scores.size(); cut += 37) {
                List<WindowMetrics> closed = new ArrayList<>();
                EventTimeWindows before = new EventTimeWindows("m", task, 0.5, 7000);
                scores.subList(0, cut).forEach(score -> before.add(score, closed::add));
                EventTimeWindows after = new EventTimeWindows("m", task, 0.5, 7000);
                after.read(bytes(before));
                scores.subList(cut, scores.size()).forEach(score -> after.add(score, closed::add));
                after.end(closed::add);
                assertThat(closed).isEqualTo(expected);
            }
        }
    }

    @Test
    void windowsOfAnotherLengthAreDroppedAndTheWholeIsKept() throws Exception {
        EventTimeWindows before = new EventTimeWindows("m", Task.BINARY, Double.NaN, 7000);
        binary(50).forEach(score -> before.add(score, closed -> {}));
        EventTimeWindows after = new EventTimeWindows("m", Task.BINARY, Double.NaN, 9000);
        after.read(bytes(before));
        List<WindowMetrics> closed = new ArrayList<>();
        after.end(closed::add);

        assertThat(closed).isEmpty();
        assertThat(after.whole().examples()).isEqualTo(50);
    }

    @Test
    void aNewerLayoutIsRefused() throws Exception {
        byte[] bytes =
                bytes(new EventTimeWindows("m", Task.BINARY, Double.NaN, 1)).readAllBytes();
        bytes[0] = 9;

        assertThatThrownBy(() -> new EventTimeWindows("m", Task.BINARY, Double.NaN, 1)
                        .read(new DataInputStream(new ByteArrayInputStream(bytes))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("upgrade the job");
    }

    private static DataInputStream bytes(EventTimeWindows windows) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        windows.write(new DataOutputStream(bytes));
        return new DataInputStream(new ByteArrayInputStream(bytes.toByteArray()));
    }

    private static Tally tally(Task task, double level, List<Score> scores) {
        Tally tally = new Tally(task, level);
        scores.forEach(tally::add);
        return tally;
    }

    private static List<Score> binary(int count) {
        SplittableRandom random = new SplittableRandom(1);
        List<Score> scores = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double prediction = random.nextDouble(0.01, 0.99);
            scores.add(score(1000L * i, random.nextDouble() < prediction ? 1 : 0, prediction));
        }
        return scores;
    }

    private static List<Score> numbers(int count) {
        SplittableRandom random = new SplittableRandom(2);
        List<Score> scores = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double label = random.nextDouble(-5, 5);
            scores.add(new Score(
                    0, i, 0, 1000L * i, i, label + random.nextDouble(-1, 1), label, random.nextDouble(-5, 5), 0));
        }
        return scores;
    }

    private static Score score(long time, double label, double prediction) {
        return new Score(0, time, 0, time, 1, prediction, label, 0.5, 0.5);
    }
}
