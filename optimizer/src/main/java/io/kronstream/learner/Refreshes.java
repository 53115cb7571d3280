// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.LayerState;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The refreshes of one learner: which are due after a step, what was asked for and not answered, and what is installed
 * before the next step. A refresh asked for after step r is installed just before step r + lag + 1. If the next one falls
 * due before, it is asked for right after that installation, from the same factors.
 */
final class Refreshes {
    private static final long SLOT_BYTES = 96;

    private LearnerFactory shared;
    private LearnerSettings settings;
    private final String model;
    private final Arena arena;
    private final List<LayerState> layers;
    private final List<RefreshSlot> slots = new ArrayList<>();
    private long failed;
    private long skipped;

    /** @param layers of the optimizer, in the order of the network's dense layers */
    Refreshes(LearnerFactory shared, String model, Arena arena, List<LayerState> layers) {
        this.shared = shared;
        this.settings = shared.settings();
        this.model = model;
        this.arena = arena;
        this.layers = layers;
        RefreshSide.of(shared.optimizer(), shared.network().shapes()).forEach(side -> slots.add(new RefreshSlot(side)));
    }

    /** Goes on with other values of the options. */
    void use(LearnerFactory other) {
        shared = other;
        settings = other.settings();
    }

    /** Asks for the refreshes that are due after a step; returns those that are not deferred, for {@link #request}. */
    List<RefreshSlot> ask(long step, Learner.Listener listener) {
        for (int layer = 0; layer < layers.size(); layer++) {
            for (RefreshTask task : shared.optimizer().due(layers.get(layer))) {
                slot(layer, task.side()).dueAfter = step + turn(layer);
            }
        }
        List<RefreshSlot> asked = new ArrayList<>();
        for (RefreshSlot slot : slots) {
            if (slot.dueAfter != step) {
                continue;
            }
            slot.dueAfter = 0;
            if (slot.outstanding) {
                slot.deferred = true;
            } else if (ask(slot, step, listener)) {
                asked.add(slot);
            }
        }
        return asked;
    }

    /** How many steps after the optimizer's due step it is a layer's turn. */
    private int turn(int layer) {
        return settings.refresh().stagger()
                ? (int) ((long) layer * settings.optimizer().get(Knobs.REFRESH_INTERVAL) / layers.size())
                : 0;
    }

    /** False if the old basis still fits. */
    private boolean ask(RefreshSlot slot, long step, Learner.Listener listener) {
        RefreshTask task = task(slot);
        double tolerance = settings.refresh().tolerance();
        if (tolerance > 0
                && task.basis() != null
                && shared.basisFit().residual(task.factor(), task.basis()) <= tolerance) {
            skipped++;
            listener.skipped();
            return false;
        }
        slot.version++;
        slot.outstanding = true;
        slot.askedAfter = step;
        slot.method = task.method();
        slot.shift = task.shift();
        slot.exponent = task.exponent();
        if (settings.lag() > 0) {
            keep(task.factor(), slot.askedTensor());
            if (task.partner() != null) {
                keep(task.partner(), slot.askedPartnerTensor());
            }
        }
        return true;
    }

    /** Later steps change the factors; what was asked for must not change with them. */
    private void keep(Matrix factor, String tensor) {
        arena.tensor(tensor).copyFrom(factor);
        arena.markDirty(tensor);
    }

    private RefreshTask task(RefreshSlot slot) {
        return shared.optimizer().task(layers.get(slot.layer), slot.side);
    }

    private RefreshSlot slot(int layer, int side) {
        RefreshSlot slot = find(layer, side);
        if (slot == null) {
            throw new IllegalStateException(
                    "The optimizer refreshes side " + side + " of layer " + layer + ", which it did not declare");
        }
        return slot;
    }

    private RefreshSlot find(int layer, int side) {
        for (RefreshSlot slot : slots) {
            if (slot.layer == layer && slot.side == side) {
                return slot;
            }
        }
        return null;
    }

    /** The outstanding refresh of a slot, as whoever computes it needs it. */
    RefreshRequest request(RefreshSlot slot) {
        RefreshTask task = task(slot);
        int n = slot.size;
        float[] basis = new float[slot.method.needsBasis() ? n * n : 0];
        if (basis.length > 0) {
            task.basis().read(0, basis, 0, basis.length);
        }
        float[] partner =
                slot.method.needsPartner() ? triangle(asked(slot.askedPartnerTensor(), task.partner())) : new float[0];
        return new RefreshRequest(
                model,
                slot.layer,
                slot.side,
                slot.version,
                slot.askedAfter,
                shared.configuration(),
                shared.fingerprint(),
                slot.method,
                n,
                slot.shift,
                slot.exponent,
                triangle(asked(slot.askedTensor(), task.factor())),
                partner,
                basis);
    }

    private Matrix asked(String tensor, Matrix present) {
        return settings.lag() > 0 ? arena.tensor(tensor) : present;
    }

    private static float[] triangle(Matrix symmetric) {
        int n = symmetric.rows();
        float[] triangle = new float[n * (n + 1) / 2];
        for (int i = 0, at = 0; i < n; at += n - i, i++) {
            symmetric.read(i * n + i, triangle, at, n - i);
        }
        return triangle;
    }

    /** Installs what is due before the step that follows; false, and nothing is installed, while an answer is missing. */
    boolean installDue(long step, Learner.Listener listener) {
        for (RefreshSlot slot : slots) {
            if (isDue(slot, step) && slot.answer == null) {
                return false;
            }
        }
        for (RefreshSlot slot : slots) {
            if (isDue(slot, step)) {
                listener.refreshed(step - slot.askedAfter, install(slot));
                if (slot.deferred) {
                    slot.deferred = false;
                    if (ask(slot, step, listener)) {
                        listener.requested(request(slot));
                    }
                }
            }
        }
        return true;
    }

    private boolean isDue(RefreshSlot slot, long step) {
        return slot.outstanding && slot.askedAfter + settings.lag() <= step;
    }

    /** False if it had failed. */
    private boolean install(RefreshSlot slot) {
        RefreshAnswer answer = slot.answer;
        slot.answer = null;
        slot.outstanding = false;
        if (!answer.succeeded()) {
            failed++;
            return false;
        }
        shared.install(answer, layers.get(slot.layer));
        return true;
    }

    /** See {@link Learner#answer}. */
    boolean answer(RefreshAnswer answer) {
        RefreshSlot slot = find(answer.layer(), answer.side());
        if (slot == null
                || !slot.outstanding
                || slot.answer != null
                || slot.version != answer.version()
                || !answer.model().equals(model)
                || !answer.configuration().equals(shared.configuration())
                || !answer.fingerprint().equals(shared.fingerprint())
                || answer.succeeded() && answer.size() != slot.size) {
            return false;
        }
        slot.answer = answer;
        return true;
    }

    /** See {@link Learner#outstanding}. */
    List<RefreshRequest> outstanding() {
        return slots.stream()
                .filter(slot -> slot.outstanding && slot.answer == null)
                .sorted(Comparator.comparingLong(slot -> slot.askedAfter))
                .map(this::request)
                .toList();
    }

    boolean hasOutstanding() {
        return slots.stream().anyMatch(slot -> slot.outstanding && slot.answer == null);
    }

    /** Refreshes whose decomposition failed, so that the old basis stayed. */
    long failed() {
        return failed;
    }

    /** Refreshes that were not done because the old basis still fitted. */
    long skipped() {
        return skipped;
    }

    /** What a stored learner says of these two. */
    void restore(long failedBefore, long skippedBefore) {
        failed = failedBefore;
        skipped = skippedBefore;
    }

    /** Bytes on the heap: an upper estimate. */
    long heapBytes() {
        long answers = 0;
        for (RefreshSlot slot : slots) {
            answers += slot.answer == null ? 0 : Float.BYTES * (long) slot.answer.matrix().length;
        }
        return SLOT_BYTES * slots.size() + answers;
    }

    /** Answers that came early are not part of it: they can be asked for again. */
    void write(DataOutput out) throws IOException {
        for (RefreshSlot slot : slots) {
            slot.write(out);
        }
    }

    void read(DataInput in) throws IOException {
        for (RefreshSlot slot : slots) {
            slot.read(in);
        }
    }
}
