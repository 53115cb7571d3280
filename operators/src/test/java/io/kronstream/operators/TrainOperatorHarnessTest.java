// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.Example;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever happens to TRAIN, its outcome is that of bare learners: equal, not close. */
@Timeout(120)
class TrainOperatorHarnessTest {
    private static final int EXAMPLES = 400;
    private static final List<Example> STREAM = TestStreams.examples(0, EXAMPLES);
    private static final TrainSettings REMOTE = TestStreams.settings(RefreshMode.REMOTE);

    private static Outcome expected;

    @BeforeAll
    static void trainBareLearners() {
        expected = Outcome.ofBareLearners(REMOTE, STREAM);
        assertThat(expected.versions()).hasSize(6);
    }

    @ParameterizedTest
    @EnumSource(RefreshMode.class)
    void anUndisturbedRunEqualsBareLearners(RefreshMode mode) throws Exception {
        Outcome outcome = new Outcome();
        try (TrainHarness train = TrainHarness.start(TestStreams.settings(mode), outcome, true)) {
            train.process(STREAM);
            train.endInput();

            assertThat(train.count(TrainCounters.EXAMPLES)).isEqualTo(EXAMPLES);
            assertThat(train.count(
                            mode == RefreshMode.REMOTE
                                    ? TrainCounters.REFRESHES_REMOTE
                                    : TrainCounters.REFRESHES_INLINE))
                    .isGreaterThan(20);
            assertThat(train.count(TrainCounters.REFRESHES_LATE)).isZero();
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void delayedAndReorderedAnswersChangeNothing(long seed) throws Exception {
        Outcome outcome = new Outcome();
        SplittableRandom random = new SplittableRandom(seed);
        try (TrainHarness train = TrainHarness.start(REMOTE, outcome, false)) {
            List<RefreshRequest> held = new ArrayList<>();
            for (Example example : STREAM) {
                train.process(List.of(example));
                held.addAll(train.requests);
                train.requests.clear();
                if (!held.isEmpty() && random.nextInt(8) == 0) {
                    train.deliver(train.compute(held.remove(random.nextInt(held.size()))));
                    train.runMails();
                }
            }
            assertThat(train.count(TrainCounters.PARKED)).isPositive();
            finish(train, held);
        }
        assertThat(outcome).isEqualTo(expected);
    }

    /** Cut in the middle of mini-batches, with refreshes outstanding and, where answers stop early, examples parked. */
    @ParameterizedTest
    @CsvSource({"1, 1", "37, 37", "190, 90", "300, 60", "399, 200", "400, 400"})
    void aResumedRunEqualsAnUninterruptedRun(int cut, int answeredUntil) throws Exception {
        Outcome outcome = new Outcome();
        OperatorSubtaskState state;
        List<String> outstanding;
        long parked;
        long asked;
        try (TrainHarness train = TrainHarness.start(REMOTE, outcome, false)) {
            for (Example example : STREAM.subList(0, cut)) {
                train.process(List.of(example));
                if (example.offset() < answeredUntil) {
                    train.answerAll();
                }
            }
            outstanding = train.requests.stream()
                    .map(request -> RefreshId.of(request).toString())
                    .sorted()
                    .toList();
            parked = train.operator().store().parkedBytes();
            asked = train.count(TrainCounters.REFRESHES_REMOTE);
            assertThat(parked > 0).isEqualTo(answeredUntil < cut);
            state = train.snapshot(1);
        }
        try (TrainHarness train = new TrainHarness(REMOTE, outcome, false, 1, 0)) {
            train.open(state);
            train.runMails();

            assertThat(train.requests.stream()
                            .map(request -> RefreshId.of(request).toString()))
                    .as("no further example came, but what is missing is asked for again")
                    .containsAll(outstanding);
            assertThat(train.operator().store().parkedBytes()).isEqualTo(parked);
            assertThat(train.count(TrainCounters.REFRESHES_REMOTE)).isEqualTo(asked);
            assertThat(train.count(TrainCounters.EXAMPLES)).isEqualTo(cut);
            for (Example example : STREAM.subList(cut, EXAMPLES)) {
                train.process(List.of(example));
                train.answerAll();
            }
            finish(train, List.of());
            assertThat(train.count(TrainCounters.EXAMPLES)).isEqualTo(EXAMPLES);
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @Test
    void everySnapshotIsAPlaceToResumeFrom() throws Exception {
        Outcome outcome = new Outcome();
        OperatorSubtaskState state = null;
        for (int from = 0; from < EXAMPLES; from += 23) {
            try (TrainHarness train = new TrainHarness(REMOTE, outcome, false, 1, 0)) {
                train.open(state);
                train.runMails();
                train.answerAll();
                for (Example example : STREAM.subList(from, Math.min(from + 23, EXAMPLES))) {
                    train.process(List.of(example));
                    if (example.offset() % 5 != 0) {
                        train.answerAll();
                    }
                    if (example.offset() % 11 == 0) {
                        train.snapshot(example.offset()); // completes, but nothing is restored from it
                    }
                }
                state = train.snapshot(1000);
                if (from + 23 >= EXAMPLES) {
                    finish(train, List.of());
                }
            }
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"2, 3", "3, 1", "1, 4"})
    void aChangeOfParallelismChangesNothing(int before, int after) throws Exception {
        Outcome outcome = new Outcome();
        int cut = 217;
        OperatorSubtaskState[] states = new OperatorSubtaskState[before];
        for (int subtask = 0; subtask < before; subtask++) {
            try (TrainHarness train = new TrainHarness(REMOTE, outcome, false, before, subtask)) {
                train.open(null);
                for (Example example : TestStreams.ofSubtask(STREAM.subList(0, cut), before, subtask)) {
                    train.process(List.of(example));
                    if (example.offset() < 60) {
                        train.answerAll();
                    }
                }
                states[subtask] = train.snapshot(1);
            }
        }
        OperatorSubtaskState all = AbstractStreamOperatorTestHarness.repackageState(states);
        long examples = 0;
        for (int subtask = 0; subtask < after; subtask++) {
            try (TrainHarness train = new TrainHarness(REMOTE, outcome, false, after, subtask)) {
                train.open(AbstractStreamOperatorTestHarness.repartitionOperatorState(
                        all, TrainHarness.MAX_PARALLELISM, before, after, subtask));
                train.runMails();
                train.answerAll();
                for (Example example : TestStreams.ofSubtask(STREAM.subList(cut, EXAMPLES), after, subtask)) {
                    train.process(List.of(example));
                    train.answerAll();
                }
                finish(train, List.of());
                examples += train.count(TrainCounters.EXAMPLES);
            }
        }
        assertThat(examples).isEqualTo(EXAMPLES);
        assertThat(outcome).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource(RefreshMode.class)
    void aCacheTooSmallForOneModelChangesNothing(RefreshMode mode) throws Exception {
        Outcome outcome = new Outcome();
        TrainSettings settings = TestStreams.withCacheBytes(TestStreams.settings(mode), 1);
        OperatorSubtaskState state;
        try (TrainHarness train = TrainHarness.start(settings, outcome, true)) {
            train.process(STREAM.subList(0, 100));
            assertThat(train.operator().store().evictions()).isGreaterThan(20);
            assertThat(train.operator().store().residentModels()).isEqualTo(1);
            state = train.snapshot(1);
        }
        try (TrainHarness train = new TrainHarness(settings, outcome, true, 1, 0)) {
            train.open(state);
            train.runMails();
            train.process(STREAM.subList(100, EXAMPLES));
            train.endInput();
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @Test
    void aModelThatOnlyHasARefreshUnderWayLeavesTheCacheAndAsksAgain() throws Exception {
        Outcome outcome = new Outcome();
        TrainSettings settings = TestStreams.withCacheBytes(REMOTE, 1);
        try (TrainHarness train = TrainHarness.start(settings, outcome, false)) {
            int fed = 0;
            while (train.requests.isEmpty()) {
                train.process(STREAM.subList(fed, ++fed));
            }
            String asking = train.requests.getFirst().model();
            while (STREAM.get(fed).model().equals(asking)) {
                train.process(STREAM.subList(fed, ++fed));
            }
            train.process(STREAM.subList(fed, ++fed));
            assertThat(train.operator().store().isResident(asking)).isFalse();
            long discarded = train.count(TrainCounters.REFRESHES_DISCARDED);
            train.answerAll();
            assertThat(train.count(TrainCounters.REFRESHES_DISCARDED)).isGreaterThan(discarded);

            train.answerAtOnce();
            train.process(STREAM.subList(fed, EXAMPLES));
            train.endInput();
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @Test
    void aWaitingModelNeverLeavesTheCache() throws Exception {
        Outcome outcome = new Outcome();
        TrainSettings settings = TestStreams.withCacheBytes(REMOTE, 1);
        try (TrainHarness train = TrainHarness.start(settings, outcome, false)) {
            train.process(STREAM);
            assertThat(train.operator().store().parkedModels())
                    .isEqualTo(expected.scores().size());
            assertThat(train.operator().store().residentModels())
                    .isEqualTo(expected.scores().size());
            train.answerAll();
            finish(train, List.of());
        }
        assertThat(outcome).isEqualTo(expected);
    }

    /** Both are part of the state, unlike what counts answers: a step that is repeated after a restore counts once. */
    @Test
    void whatWasInstalledAndWhatFailedIsCountedOnce() throws Exception {
        long applied;
        long failed;
        try (TrainHarness train = TrainHarness.start(REMOTE, new Outcome(), false)) {
            for (Example example : STREAM) {
                train.process(List.of(example));
                while (!train.requests.isEmpty()) {
                    RefreshAnswer answer = train.compute(train.requests.removeFirst());
                    train.deliver(example.offset() % 5 == 0 ? failed(answer) : answer);
                    train.runMails();
                }
            }
            applied = train.count(TrainCounters.REFRESHES_APPLIED);
            failed = train.count(TrainCounters.REFRESHES_FAILED);
            assertThat(applied).isPositive();
            assertThat(failed).isPositive();
            long requested = train.count(TrainCounters.REFRESHES_REMOTE);
            assertThat(applied + failed).isLessThanOrEqualTo(requested);
            OperatorSubtaskState state = train.snapshot(1);
            try (TrainHarness restored = new TrainHarness(REMOTE, new Outcome(), true, 1, 0)) {
                restored.open(state);
                restored.runMails();
                assertThat(restored.count(TrainCounters.REFRESHES_APPLIED)).isEqualTo(applied);
                assertThat(restored.count(TrainCounters.REFRESHES_FAILED)).isEqualTo(failed);
                assertThat(restored.count(TrainCounters.REFRESHES_REMOTE)).isEqualTo(requested);
            }
        }
    }

    private static RefreshAnswer failed(RefreshAnswer answer) {
        return new RefreshAnswer(
                answer.model(),
                answer.layer(),
                answer.side(),
                answer.version(),
                answer.configuration(),
                answer.fingerprint(),
                false,
                answer.size(),
                new float[0],
                new float[0],
                new int[0]);
    }

    @Test
    void anAnswerThatNeverComesIsComputedAfterTheDeadline() throws Exception {
        Outcome outcome = new Outcome();
        try (TrainHarness train = TrainHarness.start(REMOTE, outcome, false)) {
            train.process(STREAM);
            long parked = train.operator().store().parkedBytes();
            assertThat(parked).isPositive();

            train.setProcessingTime(TestStreams.DEADLINE_MILLIS - 1);
            train.runMails();
            assertThat(train.operator().store().parkedBytes()).isEqualTo(parked);
            assertThat(train.count(TrainCounters.REFRESHES_LATE)).isZero();

            long now = TestStreams.DEADLINE_MILLIS;
            while (train.operator().store().parkedBytes() > 0) {
                train.setProcessingTime(now);
                train.runMails();
                now += TestStreams.DEADLINE_MILLIS;
            }
            assertThat(train.count(TrainCounters.REFRESHES_LATE)).isPositive();
            assertThat(train.count(TrainCounters.REFRESHES_LATE))
                    .isLessThanOrEqualTo(train.count(TrainCounters.REFRESHES_REMOTE));
            train.requests.removeIf(request -> !outstanding(train, request));
            finish(train, List.of());
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @Test
    void duplicatesStrangersAndForeignNumericsAreDiscarded() throws Exception {
        Outcome outcome = new Outcome();
        try (TrainHarness train = TrainHarness.start(REMOTE, outcome, false)) {
            long discarded = 0;
            long late = 0;
            for (Example example : STREAM) {
                train.process(List.of(example));
                while (!train.requests.isEmpty()) {
                    RefreshRequest request = train.requests.removeFirst();
                    RefreshAnswer answer = train.compute(request);
                    train.deliver(stranger(answer));
                    discarded++;
                    if (example.offset() % 3 == 0) {
                        train.deliver(foreign(answer)); // makes TRAIN compute it itself
                        late++;
                        discarded += 2; // and the right answer then is one too many
                    }
                    train.deliver(answer);
                    train.deliver(answer);
                    discarded++;
                    train.runMails();
                }
            }
            assertThat(late).isPositive();
            assertThat(train.count(TrainCounters.REFRESHES_LATE)).isEqualTo(late);
            assertThat(train.count(TrainCounters.REFRESHES_DISCARDED)).isEqualTo(discarded);
            finish(train, List.of());
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @Test
    void otherModelsGoOnWhileOneIsParked() throws Exception {
        Outcome outcome = new Outcome();
        try (TrainHarness train = TrainHarness.start(REMOTE, outcome, false)) {
            List<RefreshRequest> held = new ArrayList<>();
            for (Example example : STREAM) {
                train.process(List.of(example));
                train.requests.removeIf(request -> request.model().equals("m1") && held.add(request));
                train.answerAll();
            }
            assertThat(train.operator().store().parkedModels()).isEqualTo(1);
            train.snapshot(1); // does not wait for the parked model
            for (String model : expected.scores().keySet()) {
                int behind = expected.scores().get(model).size()
                        - outcome.scores().get(model).size();
                if (model.equals("m1")) {
                    assertThat(behind).isGreaterThan(5 * TestStreams.BATCH);
                } else {
                    assertThat(behind).isLessThan(TestStreams.BATCH);
                }
            }
            finish(train, held);
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @Test
    void theSubtaskStandsStillOnlyBeyondTheBound() throws Exception {
        Outcome outcome = new Outcome();
        int parkedAtMost = 3;
        TrainSettings settings =
                TestStreams.withParkedBytes(REMOTE, parkedAtMost * STREAM.get(0).bytes());
        try (TrainHarness train = TrainHarness.start(settings, outcome, false)) {
            for (Example example : STREAM) {
                long before = train.operator().store().parkedBytes();
                while (!train.requests.isEmpty()) {
                    train.answerNext(); // waits as a mail: nothing but a yield runs it
                }
                train.processWithoutMails(example);
                assertThat(train.operator().store().parkedBytes()).isLessThanOrEqualTo(settings.parkedBytes());
                if (before + example.bytes() <= settings.parkedBytes()) {
                    assertThat(train.operator().store().parkedBytes()).isGreaterThanOrEqualTo(before);
                }
            }
            train.runMails();
            finish(train, List.of());
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @Test
    void endOfInputFinishesModelsThatAreOnlyInState() throws Exception {
        Outcome outcome = new Outcome();
        OperatorSubtaskState state;
        try (TrainHarness train = TrainHarness.start(REMOTE, outcome, true)) {
            train.process(STREAM);
            state = train.snapshot(1);
        }
        try (TrainHarness train = new TrainHarness(REMOTE, outcome, true, 1, 0)) {
            train.open(state);
            train.runMails();
            train.endInput();
        }
        assertThat(outcome).isEqualTo(expected);
    }

    @Test
    void aMiniBatchThatBreaksTheNumbersLeavesAsADeadLetter() throws Exception {
        TrainSettings diverging = TestStreams.withLearningRate(REMOTE, 1e6);
        try (TrainHarness train = TrainHarness.start(diverging, new Outcome(), true)) {
            train.process(STREAM);
            train.endInput();

            assertThat(train.count(TrainCounters.EXAMPLES)).isEqualTo(EXAMPLES);
            assertThat(train.count(TrainCounters.REJECTED_BATCHES)).isEqualTo(train.deadLetters.size());
            assertThat(train.deadLetters).isNotEmpty().allSatisfy(letter -> {
                assertThat(letter.topic()).isEqualTo("examples");
                assertThat(letter.reason()).isEqualTo("non-finite");
                assertThat(letter.sentence()).contains("offsets " + letter.offset() + " to ");
                assertThat(new String(letter.key(), StandardCharsets.UTF_8)).startsWith("m");
            });
        }
    }

    /** Answers everything that is still open, also what the end itself asks for. */
    private static void finish(TrainHarness train, List<RefreshRequest> held) throws Exception {
        for (RefreshRequest request : held) {
            train.deliver(train.compute(request));
        }
        train.runMails();
        train.answerAll();
        train.answerAtOnce();
        train.endInput();
    }

    private static boolean outstanding(TrainHarness train, RefreshRequest request) {
        return train.operator().store().resident(request.model()).learner().outstanding().stream()
                .anyMatch(open -> RefreshId.of(open).equals(RefreshId.of(request)));
    }

    private static RefreshAnswer stranger(RefreshAnswer answer) {
        return new RefreshAnswer(
                answer.model(),
                answer.layer(),
                answer.side(),
                answer.version() + 7,
                answer.configuration(),
                answer.fingerprint(),
                answer.succeeded(),
                answer.size(),
                answer.matrix(),
                answer.eigenvalues(),
                answer.permutation());
    }

    private static RefreshAnswer foreign(RefreshAnswer answer) {
        float[] basis = answer.matrix().clone();
        Arrays.fill(basis, 0.25f);
        return new RefreshAnswer(
                answer.model(),
                answer.layer(),
                answer.side(),
                answer.version(),
                answer.configuration(),
                "another machine's numerics",
                answer.succeeded(),
                answer.size(),
                basis,
                answer.eigenvalues(),
                answer.permutation());
    }
}
