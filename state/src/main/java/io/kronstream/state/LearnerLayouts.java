// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.LearnerLayout;
import io.kronstream.learner.LearnerSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/**
 * What the learners in the state are made of: the layout that the job writes now, and before it those that the job has
 * taken over with {@code --weights-only}, since some learners may not have been touched since. The state keeps them once, not per learner.
 */
public final class LearnerLayouts {
    /** Name of the operator state: every layout, the job's own last. All subtasks read it, the first one writes it. */
    public static final String STATE = "learner-layouts";

    /** Its type. */
    public static final TypeInformation<LearnerLayout> TYPE =
            new CodecTypeInformation<>(LearnerLayout.class, new LearnerLayoutCodec());

    private final ListState<LearnerLayout> state;
    private final Map<String, LearnerLayout> byDigest;

    private LearnerLayouts(ListState<LearnerLayout> state, Map<String, LearnerLayout> byDigest) {
        this.state = state;
        this.byDigest = byDigest;
    }

    /**
     * Compares the restored layout with the job's.
     *
     * @param weightsOnly whether the job may take the parameters over where the optimizer differs
     * @throws UnfitStateException with every difference, if the job cannot go on from the state
     */
    public static LearnerLayouts restore(
            OperatorStateStore states, LearnerLayout job, LearnerSettings settings, boolean weightsOnly)
            throws Exception {
        ListState<LearnerLayout> state = states.getUnionListState(new ListStateDescriptor<>(STATE, TYPE));
        Map<String, LearnerLayout> byDigest = new LinkedHashMap<>();
        LearnerLayout written = null;
        for (LearnerLayout layout : state.get()) {
            written = layout;
            byDigest.put(layout.digest(), layout);
        }
        if (written != null) {
            check(written, job, settings, weightsOnly);
        }
        byDigest.remove(job.digest());
        byDigest.put(job.digest(), job);
        return new LearnerLayouts(state, byDigest);
    }

    /** Only the job's own: for learners that are not restored. */
    static LearnerLayouts only(LearnerLayout job) {
        return new LearnerLayouts(null, Map.of(job.digest(), job));
    }

    private static void check(LearnerLayout written, LearnerLayout job, LearnerSettings settings, boolean weightsOnly) {
        List<String> differences = written.differences(job);
        if (differences.isEmpty()) {
            return;
        }
        List<String> fixed = written.differencesWithoutOptimizer(job);
        if (weightsOnly && fixed.isEmpty()) {
            return;
        }
        String sentence = "The state was written under another configuration: " + String.join("; ", differences) + ". ";
        if (fixed.isEmpty()) {
            sentence += "Restore it with the old values, or start with --weights-only, which keeps the parameters and"
                    + " lets the optimizer start anew. ";
        } else if (weightsOnly) {
            sentence += "--weights-only lets the optimizer differ, nothing else: restore it with the old values of the"
                    + " rest, or start without it. ";
        } else {
            sentence += "Restore it with the old values, or start without it. ";
        }
        throw new UnfitStateException(sentence + "What may change freely: " + String.join(", ", settings.free())
                + ", and what docs/reference/state.md calls free.");
    }

    /** The layout that a learner was written in. */
    LearnerLayout get(String digest) {
        LearnerLayout layout = byDigest.get(digest);
        if (layout == null) {
            throw new UnfitStateException("A learner in the state was written under configuration " + digest
                    + ", which the state does not describe; known are " + byDigest.keySet());
        }
        return layout;
    }

    /** Stores them; called by one subtask only. */
    public void snapshot() throws Exception {
        state.update(new ArrayList<>(byDigest.values()));
    }
}
