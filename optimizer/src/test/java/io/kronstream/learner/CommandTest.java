// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.learner.Command.Kind;
import io.kronstream.learner.LearnerRun.Answers;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Commands in their places among the examples. */
class CommandTest {
    private static final int BATCH = 4;
    private static final String RATE = "optimizer.learning-rate";
    private static final List<Example> STREAM = LearnerRun.binaryStream(160);

    @Test
    void aRateThatIsSetAtAStepIsThatOfTheStepsFromThereOn() {
        LearnerRun told = new LearnerRun(settings(0.01), Answers.AT_ONCE)
                .feed(with(STREAM, 10, new Command("c", Kind.SET, 21, RATE, "0.1")));
        LearnerRun restarted = new LearnerRun(settings(0.01), Answers.AT_ONCE).feed(STREAM.subList(0, 20 * BATCH));
        assertThat(told.learner.step()).isEqualTo(40);
        restarted.restart(settings(0.1)).feed(STREAM.subList(20 * BATCH, STREAM.size()));

        assertThat(told.learner.digest()).isEqualTo(restarted.learner.digest());
        assertThat(told.scores).isEqualTo(restarted.scores);
        assertThat(told.learner.digest())
                .isNotEqualTo(new LearnerRun(settings(0.01), Answers.AT_ONCE)
                        .feed(STREAM)
                        .learner
                        .digest());
        assertThat(told.learner.control().values()).isEqualTo(Map.of(RATE, "0.1"));
        assertThat(told.learner.control().applied())
                .containsExactly(new ControlState.Applied("c", "set", RATE, "0.1", 21, 0, 10));
    }

    /** One learner is told another rate before every step, beside one that keeps the first of them. */
    @Test
    void memoryIsKeptForTheValuesThatLearnersHaveNow() {
        List<Example> stream = new ArrayList<>(STREAM);
        for (int step = 40; step > 0; step--) {
            String rate = Double.toString(0.001 * step);
            stream.add((step - 1) * BATCH, command(new Command("c" + step, Kind.SET, 0, RATE, rate), 1000 + step));
        }
        List<Example> once = with(STREAM, 0, new Command("c", Kind.SET, 0, RATE, "0.001"));
        try (LearnerFactory shared = new LearnerFactory(settings(0.01))) {
            LearnerRun changing = new LearnerRun(settings(0.01), Answers.AT_ONCE);
            changing.learner = shared.create("m");
            LearnerRun keeping = new LearnerRun(settings(0.01), Answers.AT_ONCE);
            keeping.learner = shared.create("m");
            keeping.feed(once.subList(0, 1));
            changing.feed(stream);
            keeping.feed(once.subList(1, once.size()));

            assertThat(shared.variants()).isEqualTo(LearnerFactory.MAX_IDLE);
            assertThat(changing.learner.digest())
                    .isEqualTo(new LearnerRun(settings(0.01), Answers.AT_ONCE)
                            .feed(stream)
                            .learner
                            .digest());
            assertThat(keeping.learner.digest())
                    .isEqualTo(new LearnerRun(settings(0.01), Answers.AT_ONCE)
                            .feed(once)
                            .learner
                            .digest());
            changing.learner.close();
            changing.learner.close();
            keeping.learner.close();
            assertThat(shared.variants()).isEqualTo(LearnerFactory.MAX_IDLE);
        }
    }

    @Test
    void withoutAValueTheOptionIsTheJobsAgain() {
        List<Example> back = with(
                with(STREAM, 40, new Command("there", Kind.SET, 0, RATE, "0.1")),
                81,
                new Command("back", Kind.SET, 0, RATE, null));
        LearnerRun told = new LearnerRun(settings(0.01), Answers.AT_ONCE).feed(back);

        assertThat(told.learner.control().values()).isEmpty();
        LearnerRun restarted = new LearnerRun(settings(0.01), Answers.AT_ONCE)
                .feed(STREAM.subList(0, 40))
                .restart(settings(0.1))
                .feed(STREAM.subList(40, 80))
                .restart(settings(0.01))
                .feed(STREAM.subList(80, STREAM.size()));
        assertThat(told.learner.digest()).isEqualTo(restarted.learner.digest());
    }

    /** Cut between any two records: before the command, while it waits for its step, and after it. */
    @Test
    void aResumedRunCarriesOutWhatWasPending() {
        List<Example> stream = with(
                with(STREAM, 30, new Command("rate", Kind.SET, 15, RATE, "0.1")),
                50,
                new Command("publish", Kind.PUBLISH, 20, "", null));
        stream = with(stream, 90, new Command("rate", Kind.SET, 0, RATE, "0.5")); // a repetition
        stream = with(with(stream, 100, new Command("p", Kind.PAUSE, 26, "", null)), 130, resume("r"));
        LearnerRun whole = new LearnerRun(settings(0.01), Answers.WHEN_WAITED_FOR).feed(stream);
        assertThat(whole.published).extracting(PublishedModel::step).containsExactly(19L);
        assertThat(whole.learner.control().applied())
                .extracting(ControlState.Applied::id)
                .containsExactly("rate", "publish", "p", "r");

        for (int cut = 1; cut < stream.size(); cut += 7) {
            LearnerRun resumed = new LearnerRun(settings(0.01), Answers.WHEN_WAITED_FOR)
                    .feed(stream.subList(0, cut))
                    .restart()
                    .feed(stream.subList(cut, stream.size()));
            assertThat(resumed.learner.digest()).as("cut at %d", cut).isEqualTo(whole.learner.digest());
            assertThat(resumed.learner.header()).isEqualTo(whole.learner.header());
            assertThat(resumed.scores).isEqualTo(whole.scores);
            assertThat(resumed.published)
                    .extracting(PublishedModel::modelDigest)
                    .isEqualTo(List.of(whole.published.get(0).modelDigest()));
        }
    }

    @Test
    void ofTwoCommandsOfOneIdTheFirstCounts() {
        List<Example> once = with(STREAM, 40, new Command("c", Kind.SET, 0, RATE, "0.1"));
        List<Example> twice = with(once, 60, new Command("c", Kind.SET, 0, RATE, "0.5"));
        LearnerRun first = new LearnerRun(settings(0.01), Answers.AT_ONCE).feed(once);
        LearnerRun both = new LearnerRun(settings(0.01), Answers.AT_ONCE).feed(twice);

        assertThat(both.learner.digest()).isEqualTo(first.learner.digest());
        assertThat(both.refused).isEmpty();
    }

    @Test
    void aStepThatHasPassedIsRefused() {
        LearnerRun run = new LearnerRun(settings(0.01), Answers.AT_ONCE)
                .feed(with(STREAM, 50, new Command("late", Kind.SET, 12, RATE, "0.1")));

        assertThat(run.refused).hasSize(1);
        assertThat(run.refused.get(0).reason()).isEqualTo("model 'm' has taken 12 steps already");
        assertThat(run.refused.get(0).offset()).isEqualTo(50);
        assertThat(run.learner.digest())
                .isEqualTo(new LearnerRun(settings(0.01), Answers.AT_ONCE)
                        .feed(STREAM)
                        .learner
                        .digest());
    }

    @Test
    void whatIsNotFreeOrNotAllowedIsRefused() {
        List<Example> stream = with(STREAM, 9, new Command("1", Kind.SET, 0, "batch.size", "8"));
        stream = with(stream, 10, new Command("2", Kind.SET, 0, RATE, "-1"));
        stream = with(stream, 11, new Command("3", Kind.SET, 0, "refresh.interval", "1"));
        LearnerRun run = new LearnerRun(settings(0.01), Answers.AT_ONCE).feed(stream);

        assertThat(run.refused).hasSize(3);
        assertThat(run.refused.get(0).reason())
                .startsWith("'batch.size' cannot be changed while a model learns; what can is ")
                .contains(RATE, "refresh.tolerance");
        assertThat(run.refused.get(1).reason()).isEqualTo("'learning-rate' must be a number in (0, 1e6], was -1");
        assertThat(run.refused.get(2).reason()).contains("'lag' must not exceed 'refresh-interval'");
        assertThat(run.learner.control()).isEqualTo(ControlState.NONE);
    }

    @Test
    void aPausedModelPredictsAndTakesNoStep() {
        List<Example> stream = with(with(STREAM, 80, new Command("p", Kind.PAUSE, 0, "", null)), 121, resume("r"));
        LearnerRun run = new LearnerRun(settings(0.01), Answers.AT_ONCE).feed(stream.subList(0, 121));
        LearnerRun until = new LearnerRun(settings(0.01), Answers.AT_ONCE).feed(STREAM.subList(0, 80));

        assertThat(run.learner.step()).isEqualTo(20);
        assertThat(run.learner.digest()).isEqualTo(until.learner.digest());
        assertThat(run.learner.control().paused()).isTrue();
        assertThat(run.scores).hasSize(120);
        assertThat(run.scores.subList(80, 120)).allMatch(score -> score.step() == 20);

        run.feed(stream.subList(121, stream.size()));
        assertThat(run.learner.step()).isEqualTo(30);
        assertThat(run.scores).extracting(Score::offset).doesNotHaveDuplicates().hasSize(160);
    }

    @Test
    void aRetiredModelIsNotPublishedUntilItIsResumed() {
        LearnerRun run = new LearnerRun(settings(0.01), Answers.AT_ONCE).feed(STREAM.subList(0, 42));
        run.publicationAsked();
        run.feed(List.of(command(new Command("r", Kind.RETIRE, 0, "", null), 42)));
        run.feed(STREAM.subList(42, 100));

        assertThat(run.retirements).isEqualTo(1);
        assertThat(run.learner.step()).isEqualTo(10);
        assertThat(run.scores).hasSize(40);
        assertThat(run.learner.trainedThrough()).containsEntry(0, 99L);
        assertThat(run.learner.publish()).isEmpty();
        run.restart().finish();
        assertThat(run.learner.publish()).isEmpty();

        run.feed(List.of(command(resume("again"), 100)));
        PublishedModel back = run.learner.publish().orElseThrow();
        assertThat(back.version()).isEqualTo(2);
        assertThat(back.modelDigest()).isEqualTo(run.published.get(0).modelDigest());
        run.feed(STREAM.subList(101, 110));
        assertThat(run.learner.step()).isEqualTo(12);
    }

    @Test
    void aModelThatHasSeenNothingRefuses() {
        LearnerRun run = new LearnerRun(settings(0.01), Answers.AT_ONCE)
                .feed(List.of(command(new Command("c", Kind.PAUSE, 0, "", null), 0)));

        assertThat(run.refused.get(0).reason()).isEqualTo("model 'm' has not seen an example yet");
        assertThat(run.learner.trainedThrough()).isEmpty();
    }

    @Test
    void everyAdjustableOptionCanBeAdjusted() {
        LearnerSettings settings = settings(0.01);
        Map<String, String> values = Map.of(
                "embedding.learning-rate", "0.2",
                "vector.learning-rate", "0.2",
                "model.quantile", "0.2",
                "refresh.tolerance", "0.2",
                "refresh.stagger", "true",
                "refresh.interval", "7");
        for (String key : settings.adjustable()) {
            String value = key.startsWith("optimizer.") || !values.containsKey(key) ? null : values.get(key);
            String knob = key.replace("optimizer.", "").replace("refresh.method", "refresh-method");
            if (value == null) {
                value = settings.optimizer().values().get(knob);
            }
            LearnerSettings changed = settings.with(new TreeMap<>(Map.of(key, value)));
            assertThat(changed.equals(settings)).as(key).isEqualTo(!values.containsKey(key));
            assertThat(changed.structure()).isEqualTo(settings.structure());
        }
        assertThat(settings.adjustable()).containsAll(values.keySet());
    }

    @Test
    void commandsThatMeanNothingCannotBeMade() {
        assertThatThrownBy(() -> new Command("", Kind.PAUSE, 0, "", null)).hasMessageContaining("id");
        assertThatThrownBy(() -> new Command("i", Kind.PAUSE, -1, "", null)).hasMessageContaining("step");
        assertThatThrownBy(() -> new Command("i", Kind.SET, 0, "", "1")).hasMessageContaining("names what to set");
        assertThatThrownBy(() -> new Command("i", Kind.PAUSE, 0, RATE, null)).hasMessageContaining("names what to set");
        assertThatThrownBy(() -> new Command("i", Kind.RESUME, 9, "", null)).hasMessageContaining("takes none");
    }

    private static Command resume(String id) {
        return new Command(id, Kind.RESUME, 0, "", null);
    }

    private static Example command(Command command, long offset) {
        return Example.command("m", 0, offset, 1000 * offset, command);
    }

    /** The same stream with a command in this place. */
    private static List<Example> with(List<Example> stream, int place, Command command) {
        List<Example> longer = new ArrayList<>(stream.subList(0, place));
        longer.add(command(command, place));
        longer.addAll(stream.subList(place, stream.size()));
        return longer;
    }

    private static LearnerSettings settings(double rate) {
        OptimizerSettings optimizer = OptimizerSettings.defaults("dykaf")
                .with(Knobs.LEARNING_RATE, rate)
                .with(Knobs.REFRESH_INTERVAL, 3);
        return new LearnerSettings(LearnerRun.binarySchema(), List.of(6), Activation.RELU, optimizer, BATCH, 0, 3, 1);
    }
}
