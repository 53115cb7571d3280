// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.linalg.Arena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;

/** Drives a learner over a stream as a job would, answering refreshes at once or as late as possible. */
class LearnerRun implements Learner.Listener {
    /** When answers to refreshes come in. */
    enum Answers {
        AT_ONCE,
        WHEN_WAITED_FOR,
        OUT_OF_ORDER
    }

    final List<Score> scores = new ArrayList<>();
    final List<RejectedBatch> rejected = new ArrayList<>();
    final List<RefusedCommand> refused = new ArrayList<>();
    final List<PublishedModel> published = new ArrayList<>();
    int retirements;
    private LearnerSettings settings;
    private final Answers answers;
    private final RefreshWorker worker = new RefreshWorker();
    private final List<RefreshRequest> held = new ArrayList<>();
    private final Random order = new Random(5);
    int requests;
    String digestOfLastStep;
    Learner learner;

    LearnerRun(LearnerSettings settings, Answers answers) {
        this.settings = settings;
        this.answers = answers;
        this.learner = new LearnerFactory(settings).create("m");
    }

    LearnerRun feed(List<Example> examples) {
        Deque<Example> parked = new ArrayDeque<>();
        for (Example example : examples) {
            parked.add(example);
            while (!parked.isEmpty() && learner.offer(parked.peek(), this)) {
                parked.remove();
            }
            while (learner.waiting()) {
                answerHeld();
                learner.advance(this);
            }
            while (!parked.isEmpty() && learner.offer(parked.peek(), this)) {
                parked.remove();
            }
        }
        return this;
    }

    LearnerRun finish() {
        while (!learner.finish(this)) {
            answerHeld();
        }
        return this;
    }

    private void answerHeld() {
        RefreshRequest request = held.remove(answers == Answers.OUT_OF_ORDER ? order.nextInt(held.size()) : 0);
        learner.answer(worker.compute(request));
    }

    /** Stores the learner, forgets it and everything under way, and continues with what was stored. */
    LearnerRun restart() {
        byte[] header = learner.header();
        Arena before = learner.arena();
        float[] elements = new float[(int) before.packedLength()];
        before.pack(0, elements, 0, elements.length);
        learner.close();
        held.clear();
        learner = new LearnerFactory(settings).restore("m", header);
        learner.arena().unpack(0, elements, 0, elements.length);
        learner.outstanding().forEach(this::requested);
        return this;
    }

    @Override
    public void stepped(StepReport report) {
        scores.addAll(report.scores());
        digestOfLastStep = learner.digest();
    }

    @Override
    public void requested(RefreshRequest request) {
        requests++;
        if (answers == Answers.AT_ONCE) {
            learner.answer(worker.compute(request));
        } else {
            held.add(request);
        }
    }

    /** The same from now on with other settings, as after a restore. */
    LearnerRun restart(LearnerSettings other) {
        settings = other;
        return restart();
    }

    @Override
    public void scored(List<Score> others) {
        scores.addAll(others);
    }

    @Override
    public void publicationAsked() {
        learner.publish().ifPresent(published::add);
    }

    @Override
    public void retired() {
        retirements++;
    }

    @Override
    public void refused(RefusedCommand refusal) {
        refused.add(refusal);
    }

    @Override
    public void rejected(RejectedBatch batch) {
        rejected.add(batch);
    }

    static DataSchema binarySchema() {
        return DataSchema.builder(List.of("a", "b", "c", "y"), Task.BINARY, "y")
                .numeric(List.of("a", "b", "c"))
                .labelLags(List.of(1))
                .build();
    }

    static DataSchema forecastSchema(int lags, int horizon) {
        return DataSchema.builder(List.of("t", "y"), Task.REGRESSION, "y")
                .time("t")
                .forecast(new Forecast(lags, horizon))
                .build();
    }

    static List<Example> binaryStream(int length) {
        SplitMix64 random = new SplitMix64(3);
        List<Example> stream = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            double[] x = {10 * random.nextDouble(), 10 * random.nextDouble(), 10 * random.nextDouble()};
            boolean flipped = random.nextDouble() < 0.1;
            double label = (x[0] + x[1] <= 8) != flipped ? 1 : 0;
            stream.add(new Example("m", 0, i, 1000L * i, x, new int[0], label));
        }
        return stream;
    }

    static List<Example> seriesStream(int length) {
        SplitMix64 random = new SplitMix64(4);
        List<Example> stream = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            double value = 20 + 5 * StrictMath.sin(2 * Math.PI * i / 24) + random.nextDouble();
            stream.add(new Example("m", 0, i, 3_600_000L * i, new double[0], new int[0], value));
        }
        return stream;
    }
}
