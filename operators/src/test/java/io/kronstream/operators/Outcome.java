// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.Score;
import io.kronstream.learner.StepReport;
import io.kronstream.state.ModelScore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What came of a stream, per model and in order: every score, bit for bit, and every published version with its digest. */
record Outcome(Map<String, List<String>> scores, Map<String, List<String>> versions, List<PublishedModel> whole) {

    Outcome() {
        this(null);
    }

    /** One that also puts the versions themselves into a list. */
    Outcome(List<PublishedModel> whole) {
        this(new TreeMap<>(), new TreeMap<>(), whole);
    }

    void add(ModelScore score) {
        scores.computeIfAbsent(score.model(), model -> new ArrayList<>()).add(line(score));
    }

    void add(PublishedModel version) {
        versions.computeIfAbsent(version.model(), model -> new ArrayList<>()).add(line(version));
        if (whole != null) {
            whole.add(version);
        }
    }

    Outcome copy() {
        Outcome copy = new Outcome();
        scores.forEach((model, lines) -> copy.scores.put(model, new ArrayList<>(lines)));
        versions.forEach((model, lines) -> copy.versions.put(model, new ArrayList<>(lines)));
        return copy;
    }

    /** Whether the other goes on from where this one ends. */
    boolean begins(Outcome other) {
        return begins(scores, other.scores) && begins(versions, other.versions);
    }

    private static boolean begins(Map<String, List<String>> first, Map<String, List<String>> all) {
        return first.entrySet().stream().allMatch(lines -> {
            List<String> whole = all.getOrDefault(lines.getKey(), List.of());
            int count = lines.getValue().size();
            return count <= whole.size() && whole.subList(0, count).equals(lines.getValue());
        });
    }

    static String line(ModelScore value) {
        Score score = value.score();
        return score.offset() + " " + score.step() + " " + Double.doubleToRawLongBits(score.prediction()) + " "
                + Double.doubleToRawLongBits(score.noChange()) + " " + Double.doubleToRawLongBits(score.prior());
    }

    static String line(PublishedModel version) {
        return version.version() + " " + version.step() + " " + version.examples() + " " + version.trainedThrough()
                + " " + version.finished() + " " + version.modelDigest() + " " + Arrays.hashCode(version.payload());
    }

    /** The outcome of bare learners, which know nothing of Flink and refresh at once. */
    static Outcome ofBareLearners(TrainSettings settings, List<Example> examples) {
        Outcome outcome = new Outcome();
        Map<String, Learner> learners = new TreeMap<>();
        try (LearnerFactory factory = new LearnerFactory(settings.learner());
                RefreshWorker worker = new RefreshWorker()) {
            for (Example example : examples) {
                Learner learner = learners.computeIfAbsent(example.model(), factory::create);
                if (!learner.offer(example, new Bare(learner, worker, settings, outcome))) {
                    throw new AssertionError("Model " + learner.model() + " waits though it was answered");
                }
            }
            for (Learner learner : learners.values()) {
                if (!learner.finish(new Bare(learner, worker, settings, outcome))) {
                    throw new AssertionError("Model " + learner.model() + " waits though it was answered");
                }
                learner.publish().ifPresent(outcome::add);
                learner.close();
            }
        }
        return outcome;
    }

    private record Bare(Learner learner, RefreshWorker worker, TrainSettings settings, Outcome outcome)
            implements Learner.Listener {
        @Override
        public void stepped(StepReport report) {
            report.scores().forEach(score -> outcome.add(new ModelScore(learner.model(), score)));
            if (report.step() % settings.publishEvery() == 0) {
                learner.publish().ifPresent(outcome::add);
            }
        }

        @Override
        public void requested(RefreshRequest request) {
            learner.answer(worker.compute(request));
        }

        @Override
        public void rejected(RejectedBatch batch) {}
    }
}
