// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.Example;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A failure at any moment, or a change of parallelism, changes nothing that any optimizer learns: every score and every
 * version with its digest equals that of bare learners. On RocksDB, with refreshes that lag and with synchronous ones.
 */
@Timeout(300)
class EveryOptimizerRecoveryHarnessTest {
    private static final int EXAMPLES = 180;
    private static final int CUT = 101;
    private static final List<Example> STREAM = TestStreams.examples(0, EXAMPLES);
    private static final Map<TrainSettings, Outcome> UNDISTURBED = new HashMap<>();

    static Stream<Arguments> everyOptimizer() {
        return Optimizers.names().stream().flatMap(name -> lags(name).map(lag -> Arguments.of(name, lag)));
    }

    static Stream<Arguments> everyOptimizerWithRefreshes() {
        return Optimizers.names().stream()
                .filter(EveryOptimizerRecoveryHarnessTest::refreshes)
                .flatMap(name -> lags(name).map(lag -> Arguments.of(name, lag)));
    }

    static Stream<Arguments> everyOptimizerAndParallelism() {
        return everyOptimizer().flatMap(optimizer -> Stream.of(List.of(1, 2), List.of(2, 1))
                .map(change -> Arguments.of(optimizer.get()[0], optimizer.get()[1], change.get(0), change.get(1))));
    }

    private static Stream<Integer> lags(String optimizer) {
        return refreshes(optimizer) ? Stream.of(0, TestStreams.LAG) : Stream.of(0);
    }

    private static boolean refreshes(String optimizer) {
        return OptimizerSettings.defaults(optimizer).has(Knobs.REFRESH_INTERVAL);
    }

    @ParameterizedTest(name = "{0}, lag {1}")
    @MethodSource("everyOptimizer")
    void withAnOpenMiniBatch(String optimizer, int lag) throws Exception {
        TrainSettings settings = settings(optimizer, lag);
        Outcome outcome = new Outcome();
        OperatorSubtaskState state;
        try (TrainHarness train = TrainHarness.start(settings, outcome, true)) {
            train.process(STREAM.subList(0, CUT));
            assertThat(examplesScored(outcome))
                    .as("some examples wait in open mini-batches")
                    .isLessThan(CUT);
            state = train.snapshot(1);
        }
        resume(settings, outcome, state, CUT);
        assertThat(outcome).isEqualTo(undisturbed(settings));
    }

    @ParameterizedTest(name = "{0}, lag {1}")
    @MethodSource("everyOptimizerWithRefreshes")
    void betweenRequestAndAnswer(String optimizer, int lag) throws Exception {
        TrainSettings settings = settings(optimizer, lag);
        Outcome outcome = new Outcome();
        OperatorSubtaskState state;
        Set<RefreshId> outstanding;
        try (TrainHarness train = TrainHarness.start(settings, outcome, false)) {
            for (Example example : STREAM.subList(0, CUT)) {
                train.process(List.of(example));
                if (example.offset() < CUT / 2) {
                    train.answerAll();
                }
            }
            outstanding = ids(train.requests);
            assertThat(outstanding).isNotEmpty();
            state = train.snapshot(1);
        }
        assertThat(resume(settings, outcome, state, CUT)).as("asked again").containsAll(outstanding);
        assertThat(outcome).isEqualTo(undisturbed(settings));
    }

    @ParameterizedTest(name = "{0}, lag {1}")
    @MethodSource("everyOptimizerWithRefreshes")
    void betweenAnswerAndInstallation(String optimizer, int lag) throws Exception {
        TrainSettings settings = settings(optimizer, lag);
        Outcome outcome = new Outcome();
        OperatorSubtaskState state;
        Set<RefreshId> answered = new HashSet<>();
        int cut = 0;
        try (TrainHarness train = TrainHarness.start(settings, outcome, false)) {
            while (answered.isEmpty() || cut < CUT) {
                train.process(STREAM.subList(cut, ++cut));
                answered = ids(train.requests);
                train.answerAll();
            }
            // no step was taken since, so what was answered just now has not been installed
            state = train.snapshot(1);
        }
        assertThat(resume(settings, outcome, state, cut)).as("asked again").containsAll(answered);
        assertThat(outcome).isEqualTo(undisturbed(settings));
    }

    @ParameterizedTest(name = "{0}, lag {1}")
    @MethodSource("everyOptimizer")
    void duringACheckpoint(String optimizer, int lag) throws Exception {
        TrainSettings settings = settings(optimizer, lag);
        Outcome outcome = new Outcome();
        Outcome completed;
        OperatorSubtaskState state;
        try (TrainHarness train = TrainHarness.start(settings, outcome, true)) {
            train.process(STREAM.subList(0, CUT));
            state = train.snapshot(1);
            train.completed(1);
            completed = outcome.copy();
            train.process(STREAM.subList(CUT, CUT + 40));
            train.snapshot(2); // never completes
            train.process(STREAM.subList(CUT + 40, CUT + 60));
        }
        assertThat(outcome.begins(undisturbed(settings))).as("what was lost").isTrue();
        resume(settings, completed, state, CUT);
        assertThat(completed).isEqualTo(undisturbed(settings));
    }

    @ParameterizedTest(name = "{0}, lag {1}")
    @MethodSource("everyOptimizer")
    void twiceInARow(String optimizer, int lag) throws Exception {
        TrainSettings settings = settings(optimizer, lag);
        Outcome outcome = new Outcome();
        OperatorSubtaskState state;
        try (TrainHarness train = TrainHarness.start(settings, outcome, false)) {
            train.process(STREAM.subList(0, CUT)); // nothing is ever answered
            state = train.snapshot(1);
        }
        Outcome lost = outcome.copy();
        try (TrainHarness train = new TrainHarness(settings, lost, false, 1, 0)) {
            train.open(state);
            train.runMails();
            train.answerAll();
            train.process(STREAM.subList(CUT, CUT + 30));
        }
        assertThat(lost.begins(undisturbed(settings))).as("what was lost").isTrue();
        resume(settings, outcome, state, CUT);
        assertThat(outcome).isEqualTo(undisturbed(settings));
    }

    @ParameterizedTest(name = "{0}, lag {1}, parallelism {2} to {3}")
    @MethodSource("everyOptimizerAndParallelism")
    void atAnotherParallelism(String optimizer, int lag, int before, int after) throws Exception {
        TrainSettings settings = settings(optimizer, lag);
        Outcome outcome = new Outcome();
        OperatorSubtaskState[] states = new OperatorSubtaskState[before];
        for (int subtask = 0; subtask < before; subtask++) {
            try (TrainHarness train = new TrainHarness(settings, outcome, false, before, subtask)) {
                train.open(null);
                for (Example example : TestStreams.ofSubtask(STREAM.subList(0, CUT), before, subtask)) {
                    train.process(List.of(example));
                    if (example.offset() < CUT / 2) {
                        train.answerAll();
                    }
                }
                states[subtask] = train.snapshot(1);
            }
        }
        OperatorSubtaskState all = AbstractStreamOperatorTestHarness.repackageState(states);
        for (int subtask = 0; subtask < after; subtask++) {
            try (TrainHarness train = new TrainHarness(settings, outcome, true, after, subtask)) {
                train.open(AbstractStreamOperatorTestHarness.repartitionOperatorState(
                        all, TrainHarness.MAX_PARALLELISM, before, after, subtask));
                train.runMails();
                train.process(TestStreams.ofSubtask(STREAM.subList(CUT, EXAMPLES), after, subtask));
                train.endInput();
            }
        }
        assertThat(outcome).isEqualTo(undisturbed(settings));
    }

    /** Goes on from a state to the end of the stream, answering everything; returns what was asked for. */
    private static Set<RefreshId> resume(TrainSettings settings, Outcome outcome, OperatorSubtaskState state, int from)
            throws Exception {
        Set<RefreshId> asked = new HashSet<>();
        try (TrainHarness train = new TrainHarness(settings, outcome, false, 1, 0)) {
            train.open(state);
            train.runMails();
            asked.addAll(ids(train.requests));
            train.answerAll();
            for (Example example : STREAM.subList(from, EXAMPLES)) {
                train.process(List.of(example));
                asked.addAll(ids(train.requests));
                train.answerAll();
            }
            train.answerAtOnce();
            train.endInput();
        }
        return asked;
    }

    private static Set<RefreshId> ids(Iterable<RefreshRequest> requests) {
        Set<RefreshId> ids = new HashSet<>();
        requests.forEach(request -> ids.add(RefreshId.of(request)));
        return ids;
    }

    private static long examplesScored(Outcome outcome) {
        return outcome.scores().values().stream().mapToLong(List::size).sum();
    }

    private static TrainSettings settings(String optimizer, int lag) {
        return TestStreams.settings(TestStreams.learner(optimizer, lag), RefreshMode.REMOTE);
    }

    private static Outcome undisturbed(TrainSettings settings) {
        return UNDISTURBED.computeIfAbsent(settings, wanted -> {
            Outcome outcome = Outcome.ofBareLearners(wanted, STREAM);
            assertThat(outcome.versions()).hasSize(6);
            return outcome;
        });
    }
}
