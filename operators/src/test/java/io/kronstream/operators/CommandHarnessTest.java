// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.Command;
import io.kronstream.learner.Command.Kind;
import io.kronstream.learner.Example;
import io.kronstream.learner.PublishedModel;
import io.kronstream.state.DeadLetter;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands in TRAIN: part of the order of their model's records, and of its state. */
@Timeout(120)
class CommandHarnessTest {
    private static final TrainSettings REMOTE = TestStreams.settings(RefreshMode.REMOTE);
    private static final String MODEL = "m1";
    private static final int EXAMPLES = 300;

    /** Cut before the commands, while one waits for its step or behind a refresh, and after them. */
    @ParameterizedTest
    @ValueSource(ints = {30, 62, 100, 140, 180, 240})
    void aResumedRunEqualsAnUninterruptedRun(int cut) throws Exception {
        List<Example> stream = stream();
        List<PublishedModel> versions = new ArrayList<>();
        Outcome expected = new Outcome(versions);
        try (TrainHarness train = TrainHarness.start(REMOTE, expected, true)) {
            train.process(stream);
            train.endInput();
            assertThat(train.count(TrainCounters.EXAMPLES)).isEqualTo(EXAMPLES);
            assertThat(train.count(TrainCounters.COMMANDS)).isEqualTo(4);
        }
        assertThat(versions.stream().filter(version -> version.model().equals(MODEL)))
                .last()
                .satisfies(version -> assertThat(version.control().applied()).hasSize(4));

        Outcome outcome = new Outcome();
        OperatorSubtaskState state;
        try (TrainHarness train = TrainHarness.start(REMOTE, outcome, false)) {
            for (Example example : stream.subList(0, cut)) {
                train.process(List.of(example));
                if (example.offset() < cut - 20) {
                    train.answerAll();
                }
            }
            state = train.snapshot(1);
        }
        try (TrainHarness train = new TrainHarness(REMOTE, outcome, true, 1, 0)) {
            train.open(state);
            train.runMails();
            train.process(stream.subList(cut, stream.size()));
            train.endInput();
        }
        assertThat(outcome.copy()).isEqualTo(expected.copy());
    }

    @Test
    void whatIsRefusedIsADeadLetterAndNoModelIsMade() throws Exception {
        try (TrainHarness train = TrainHarness.start(REMOTE, new Outcome(), true)) {
            train.process(TestStreams.examples(0, 100));
            train.process(List.of(
                    Example.command(MODEL, 0, 100, 0, new Command("late", Kind.PAUSE, 1, "", null)),
                    Example.command("nobody", 0, 101, 0, new Command("lost", Kind.PAUSE, 0, "", null))));

            assertThat(train.deadLetters).extracting(DeadLetter::reason).containsExactly("control", "control");
            assertThat(train.deadLetters).extracting(DeadLetter::offset).containsExactly(100L, 101L);
            assertThat(train.deadLetters.get(0).sentence())
                    .startsWith("The command 'pause' at step 1 (id late) changed nothing: model 'm1' has taken ");
            assertThat(train.deadLetters.get(1).sentence()).endsWith("model 'nobody' has not seen an example yet");
            assertThat(train.operator().store().models()).doesNotContain("nobody");
            assertThat(train.count(TrainCounters.REFUSED_COMMANDS)).isEqualTo(2);
            train.endInput();
        }
    }

    @Test
    void aRetiredModelIsWithdrawnAndNotPublishedAtTheEnd() throws Exception {
        List<PublishedModel> versions = new ArrayList<>();
        try (TrainHarness train = TrainHarness.start(REMOTE, new Outcome(versions), true)) {
            train.process(TestStreams.examples(0, 150));
            train.process(List.of(Example.command(MODEL, 0, 150, 0, new Command("r", Kind.RETIRE, 0, "", null))));
            train.process(TestStreams.examples(151, EXAMPLES));
            train.endInput();
        }
        List<PublishedModel> own = versions.stream()
                .filter(version -> version.model().equals(MODEL))
                .toList();
        assertThat(own.get(own.size() - 1).isWithdrawal()).isTrue();
        assertThat(own).filteredOn(PublishedModel::isWithdrawal).hasSize(1);
    }

    private static List<Example> stream() {
        List<Example> stream = new ArrayList<>(TestStreams.examples(0, EXAMPLES));
        stream.add(260, command("resume", Kind.RESUME, 0, "", 260));
        stream.add(180, command("pause", Kind.PAUSE, 0, "", 180));
        stream.add(120, command("publish", Kind.PUBLISH, 0, "", 120));
        stream.add(60, command("rate", Kind.SET, 8, "optimizer.learning-rate", 60));
        return stream;
    }

    private static Example command(String id, Kind kind, long atStep, String name, long offset) {
        return Example.command(MODEL, 0, offset, 0, new Command(id, kind, atStep, name, name.isEmpty() ? null : "0.2"));
    }
}
