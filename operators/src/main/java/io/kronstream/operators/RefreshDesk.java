// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.Learner;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;

/**
 * The refreshes of a subtask's models: which are computed here and which in EIGEN-REFRESH, which of those are answered,
 * and which are overdue. Wherever one is computed, its result is the same.
 */
final class RefreshDesk implements AutoCloseable {
    private final TrainSettings settings;
    private final TrainCounters counters;
    private final TrainMetrics metrics;
    private final ProcessingTimeService clock;
    private final Consumer<RefreshRequest> requests;
    private final Runnable overdue;
    private final RefreshLedger ledger = new RefreshLedger();
    private final RefreshWorker worker = new RefreshWorker();
    private boolean deadlineArmed;
    private boolean draining;

    /**
     * @param requests takes what EIGEN-REFRESH is to compute
     * @param overdue called by a timer when a request may be overdue; must do nothing but post a mail that calls {@link
     *     #takeOverdue}
     */
    RefreshDesk(
            TrainSettings settings,
            TrainCounters counters,
            TrainMetrics metrics,
            ProcessingTimeService clock,
            Consumer<RefreshRequest> requests,
            Runnable overdue) {
        this.settings = settings;
        this.counters = counters;
        this.metrics = metrics;
        this.clock = clock;
        this.requests = requests;
        this.overdue = overdue;
    }

    /** A learner wants a refresh. */
    void requested(Learner learner, RefreshRequest request) {
        if (isHere(request)) {
            counters.refreshesInline.add(1);
        } else {
            counters.refreshesRemote.add(1);
        }
        ask(learner, request);
    }

    /** Asks again for what a learner that comes from the state still misses; true if there is any. */
    boolean askAgain(Learner learner) {
        List<RefreshRequest> missing = List.copyOf(learner.outstanding());
        missing.forEach(request -> ask(learner, request));
        return !missing.isEmpty();
    }

    private void ask(Learner learner, RefreshRequest request) {
        if (isHere(request)) {
            compute(learner, request);
            return;
        }
        ledger.asked(RefreshId.of(request), now());
        metrics.outstandingRefreshes(ledger.size());
        armDeadline();
        requests.accept(request);
    }

    private boolean isHere(RefreshRequest request) {
        return draining || settings.refresh().isInline(request.method(), request.size());
    }

    /** Whether anybody waits for this answer; it counts as answered from now on. */
    OptionalLong expected(RefreshAnswer answer) {
        OptionalLong askedAt = ledger.answered(RefreshId.of(answer));
        if (askedAt.isEmpty()) {
            counters.refreshesDiscarded.add(1);
        }
        metrics.outstandingRefreshes(ledger.size());
        return askedAt;
    }

    /** Hands an expected answer to its learner. */
    void answer(Learner learner, RefreshAnswer answer, long askedAt) {
        if (learner.answer(answer)) {
            metrics.answered(now() - askedAt);
        } else { // computed under other numerics: no better answer will come
            counters.refreshesDiscarded.add(1);
            computeLate(learner, RefreshId.of(answer));
        }
    }

    /** Ends the wait for the eldest request if it is overdue: its learner has to {@linkplain #computeLate compute it}. */
    Optional<RefreshId> takeOverdue() {
        deadlineArmed = false;
        OptionalLong eldest = ledger.eldestAskedAt();
        if (eldest.isEmpty() || now() - eldest.getAsLong() < settings.refreshDeadlineMillis()) {
            armDeadline();
            return Optional.empty();
        }
        RefreshId id = ledger.eldest().orElseThrow();
        ledger.answered(id);
        metrics.outstandingRefreshes(ledger.size());
        armDeadline();
        return Optional.of(id);
    }

    void computeLate(Learner learner, RefreshId id) {
        for (RefreshRequest request : List.copyOf(learner.outstanding())) {
            if (RefreshId.of(request).equals(id)) {
                counters.refreshesLate.add(1);
                compute(learner, request);
            }
        }
    }

    /** The stream has ended: from now on everything is computed here at once, and nobody waits. */
    void drain() {
        draining = true;
    }

    /** Computes what a learner still waits for after the stream has ended. */
    void drain(Learner learner) {
        for (RefreshRequest request : List.copyOf(learner.outstanding())) {
            ledger.answered(RefreshId.of(request));
            counters.refreshesDrained.add(1);
            compute(learner, request);
        }
        metrics.outstandingRefreshes(ledger.size());
    }

    private void compute(Learner learner, RefreshRequest request) {
        long start = System.nanoTime();
        RefreshAnswer answer = worker.compute(request);
        metrics.computed((System.nanoTime() - start) / 1_000_000);
        if (!learner.answer(answer)) {
            throw new IllegalStateException(
                    "Model '" + learner.model() + "' refuses its own answer to " + RefreshId.of(request));
        }
    }

    private void armDeadline() {
        OptionalLong eldest = ledger.eldestAskedAt();
        if (!deadlineArmed && eldest.isPresent()) {
            deadlineArmed = true;
            clock.registerTimer(eldest.getAsLong() + settings.refreshDeadlineMillis(), time -> overdue.run());
        }
    }

    private long now() {
        return clock.getCurrentProcessingTime();
    }

    @Override
    public void close() {
        worker.close();
    }
}
