// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.StepReport;
import java.util.ArrayDeque;
import java.util.Optional;

/** One model on its way to the step of its version, without Flink. */
final class Pupil implements Learner.Listener, AutoCloseable {
    private final ModelManifest version;
    private final Learner learner;
    private final RefreshWorker worker;
    private final ArrayDeque<RefreshRequest> asked = new ArrayDeque<>();
    private String digest;

    Pupil(ModelManifest version, LearnerFactory factory, RefreshWorker worker) {
        this.version = version;
        this.learner = factory.create(version.model());
        this.worker = worker;
    }

    ModelManifest version() {
        return version;
    }

    void take(Example example) {
        while (!learner.offer(example, this)) {
            answer();
            learner.advance(this);
        }
        answer();
    }

    /** Something other than the count closed the mini-batch. */
    void close(boolean atTheEndOfTheStream) {
        while (!(atTheEndOfTheStream ? learner.finish(this) : learner.closeOpen(this))) {
            answer();
            learner.advance(this);
        }
        answer();
    }

    private void answer() {
        while (!asked.isEmpty()) {
            learner.answer(worker.compute(asked.poll()));
        }
    }

    /** Whether the version's step has been taken. */
    boolean arrived() {
        return digest != null;
    }

    /** The digest at the version's step; empty if that was never taken. */
    Optional<String> digest() {
        // What is published later than at its step is published before the next one.
        return learner.step() == version.step() && !version.modelDigest().equals(digest)
                ? Optional.of(learner.digest())
                : Optional.ofNullable(digest);
    }

    @Override
    public void stepped(StepReport report) {
        if (report.step() == version.step()) {
            digest = learner.digest();
        }
    }

    @Override
    public void requested(RefreshRequest request) {
        asked.add(request);
    }

    @Override
    public void rejected(RejectedBatch batch) {}

    @Override
    public void close() {
        learner.close();
    }
}
