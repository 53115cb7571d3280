// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.Example;
import io.kronstream.learner.Journal;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.Mode;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.StepReport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** In arrival mode TRAIN learns from each example once, and its journals replay every version. */
@Timeout(120)
class ArrivalHarnessTest {
    private static final int PARTITIONS = 3;
    private static final int EXAMPLES = 300;
    private static final List<Example> STREAM = dealt(TestStreams.examples(0, EXAMPLES));
    private static final TrainSettings PLAIN = arrival(TrainSettings.Clock.NONE);

    @Test
    void everyVersionIsReplayedFromItsJournals() throws Exception {
        List<PublishedModel> versions = new ArrayList<>();
        OperatorSubtaskState state;
        try (TrainHarness train = TrainHarness.start(PLAIN, new Outcome(versions), false)) {
            train.process(STREAM.subList(0, 240)); // nothing is answered
            assertThat(train.count(TrainCounters.PARKED)).isPositive();
            state = train.snapshot(1);
        }
        try (TrainHarness train = new TrainHarness(PLAIN, new Outcome(versions), true, 1, 0)) {
            train.open(state);
            train.runMails();
            train.process(STREAM.subList(240, EXAMPLES));
            train.endInput();
        }
        assertReplayed(PLAIN, versions, EXAMPLES);
    }

    @Test
    void theClockClosesMiniBatchesThatHaveWaited() throws Exception {
        TrainSettings settings = arrival(new TrainSettings.Clock(100, 0));
        List<PublishedModel> versions = new ArrayList<>();
        try (TrainHarness train = TrainHarness.start(settings, new Outcome(versions), true)) {
            long now = 0;
            for (Example example : STREAM) {
                train.process(List.of(example));
                now += 30;
                train.setProcessingTime(now);
                train.runMails();
            }
            train.setProcessingTime(now + 1000);
            train.runMails();
            long steps = train.count(TrainCounters.STEPS);
            assertThat(steps).as("more than full mini-batches").isGreaterThan(EXAMPLES / TestStreams.BATCH);
            train.endInput();
            assertThat(train.count(TrainCounters.STEPS))
                    .as("nothing was left open")
                    .isEqualTo(steps);
        }
        assertReplayed(settings, versions, EXAMPLES);
    }

    @Test
    void anOpenMiniBatchOfBeforeARestartIsClosedToo() throws Exception {
        TrainSettings settings = arrival(new TrainSettings.Clock(100, 0));
        OperatorSubtaskState state;
        try (TrainHarness train = TrainHarness.start(settings, new Outcome(), true)) {
            train.process(STREAM.subList(0, 2));
            state = train.snapshot(1);
        }
        try (TrainHarness train = new TrainHarness(settings, new Outcome(), true, 1, 0)) {
            train.open(state);
            train.runMails();
            train.setProcessingTime(99);
            train.runMails();
            assertThat(train.count(TrainCounters.STEPS)).isZero();
            train.setProcessingTime(100);
            train.runMails();
            assertThat(train.count(TrainCounters.STEPS)).isPositive();
        }
    }

    @Test
    void theClockPublishesWhatHasLearned() throws Exception {
        TrainSettings settings = arrival(new TrainSettings.Clock(0, 50));
        List<PublishedModel> versions = new ArrayList<>();
        try (TrainHarness train = TrainHarness.start(settings, new Outcome(versions), true)) {
            long now = 0;
            for (Example example : STREAM) {
                train.process(List.of(example));
                now += 20;
                train.setProcessingTime(now);
                train.runMails();
            }
            train.endInput();
        }
        assertThat(versions)
                .as("published between the steps that count")
                .anyMatch(version -> !version.finished() && version.step() % TestStreams.PUBLISH_EVERY != 0);
        assertReplayed(settings, versions, EXAMPLES);
    }

    @Test
    void orderedModeSetsExamplesOfASecondPartitionAside() throws Exception {
        TrainSettings ordered = TestStreams.settings(RefreshMode.REMOTE);
        Outcome outcome = new Outcome();
        List<Example> stream = TestStreams.examples(0, 120);
        try (TrainHarness train = TrainHarness.start(ordered, outcome, true)) {
            for (Example example : stream) {
                train.process(List.of(example));
                if (example.offset() % 10 == 0) {
                    train.process(List.of(moved(example, 7, example.offset())));
                }
            }
            train.endInput();

            assertThat(train.count(TrainCounters.REFUSED)).isEqualTo(12);
            assertThat(train.deadLetters).hasSize(12).allSatisfy(letter -> {
                assertThat(letter.reason()).isEqualTo("partition");
                assertThat(letter.partition()).isEqualTo(7);
                assertThat(letter.sentence())
                        .contains("learns from partition 0")
                        .contains("mode: arrival");
            });
        }
        assertThat(outcome).isEqualTo(Outcome.ofBareLearners(ordered, stream));
    }

    private static TrainSettings arrival(TrainSettings.Clock clock) {
        TrainSettings ordered = TestStreams.settings(RefreshMode.REMOTE);
        return new TrainSettings(
                ordered.learner().with(Mode.ARRIVAL),
                ordered.refresh(),
                ordered.publishEvery(),
                ordered.refreshDeadlineMillis(),
                ordered.parkedBytes(),
                ordered.cacheBytes(),
                ordered.origins(),
                clock);
    }

    /** The examples in an order of arrival: from several partitions, each with offsets of its own. */
    private static List<Example> dealt(List<Example> examples) {
        SplittableRandom random = new SplittableRandom(3);
        long[] next = new long[PARTITIONS];
        return examples.stream()
                .map(example -> {
                    int partition = random.nextInt(PARTITIONS);
                    return moved(example, partition, next[partition]++);
                })
                .toList();
    }

    private static Example moved(Example example, int partition, long offset) {
        return new Example(
                example.model(),
                partition,
                offset,
                example.timestamp(),
                example.numeric(),
                example.categorical(),
                example.label());
    }

    private static void assertReplayed(TrainSettings settings, List<PublishedModel> versions, long examples) {
        Map<String, Replay> replays = new HashMap<>();
        try (LearnerFactory factory = new LearnerFactory(settings.learner());
                RefreshWorker worker = new RefreshWorker()) {
            for (PublishedModel version : versions) {
                Replay replay =
                        replays.computeIfAbsent(version.model(), model -> new Replay(factory.create(model), worker));
                assertThat(version.mode()).isEqualTo("arrival");
                Journal.replay(version.journal(), replay);
                assertThat(replay.learner.step()).isEqualTo(version.step());
                assertThat(replay.learner.digest()).isEqualTo(version.modelDigest());
            }
            assertThat(replays.values().stream()
                            .mapToLong(replay -> replay.taken)
                            .sum())
                    .as("each example once")
                    .isEqualTo(examples);
            replays.values().forEach(replay -> replay.learner.close());
        }
    }

    private static final class Replay implements Journal.Visitor, Learner.Listener {
        private final Learner learner;
        private final RefreshWorker worker;
        private long taken;

        Replay(Learner learner, RefreshWorker worker) {
            this.learner = learner;
            this.worker = worker;
        }

        @Override
        public void run(int partition, long from, long to, long examples) {
            for (Example example : STREAM) {
                if (example.model().equals(learner.model())
                        && example.partition() == partition
                        && example.offset() >= from
                        && example.offset() <= to) {
                    taken++;
                    assertThat(learner.offer(example, this)).isTrue();
                }
            }
        }

        @Override
        public void closed() {
            assertThat(learner.closeOpen(this)).isTrue();
        }

        @Override
        public void finished() {
            assertThat(learner.finish(this)).isTrue();
        }

        @Override
        public void stepped(StepReport report) {}

        @Override
        public void requested(RefreshRequest request) {
            learner.answer(worker.compute(request));
        }

        @Override
        public void rejected(RejectedBatch batch) {}
    }
}
