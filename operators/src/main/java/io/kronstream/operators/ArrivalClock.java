// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.Learner;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;

/**
 * What the clock triggers in arrival mode: it remembers which mini-batches are open since when, and which models have
 * something new to publish. It is not part of the state: after a restart, waiting starts anew.
 */
final class ArrivalClock {
    private final long maxWait;
    private final long publishMillis;
    private final ProcessingTimeService clock;
    private final Runnable batchesDue;
    private final Map<String, Long> openSince = new LinkedHashMap<>(); // eldest first
    private final Set<String> stepped = new LinkedHashSet<>();
    private boolean armed;

    /**
     * @param batchesDue called by a timer when mini-batches may be due; must do nothing but post a mail
     * @param publicationDue called by a timer when it is time to publish; must do nothing but post a mail
     */
    ArrivalClock(
            TrainSettings.Clock settings, ProcessingTimeService clock, Runnable batchesDue, Runnable publicationDue) {
        this.maxWait = settings.batchMaxWaitMillis();
        this.publishMillis = settings.publishMillis();
        this.clock = clock;
        this.batchesDue = batchesDue;
        if (publishMillis > 0) {
            clock.scheduleAtFixedRate(time -> publicationDue.run(), publishMillis, publishMillis);
        }
    }

    /** Models that may have an open mini-batch, or something to publish, from before a restart. */
    void restored(Collection<String> models) {
        if (maxWait > 0) {
            models.forEach(model -> openSince.put(model, clock.getCurrentProcessingTime()));
            arm();
        }
        if (publishMillis > 0) {
            stepped.addAll(models);
        }
    }

    /** An example was taken. */
    void took(Learner learner) {
        if (maxWait == 0) {
            return;
        }
        int open = learner.openExamples();
        if (open <= 1) {
            openSince.remove(learner.model());
        }
        if (open > 0 && openSince.putIfAbsent(learner.model(), clock.getCurrentProcessingTime()) == null) {
            arm();
        }
    }

    void stepped(Learner learner) {
        if (publishMillis > 0) {
            stepped.add(learner.model());
        }
    }

    /** The models whose open mini-batch has waited long enough; its wait ends with this. */
    List<String> takeDue() {
        armed = false;
        long now = clock.getCurrentProcessingTime();
        List<String> due = new ArrayList<>();
        Iterator<Map.Entry<String, Long>> eldestFirst = openSince.entrySet().iterator();
        while (eldestFirst.hasNext()) {
            Map.Entry<String, Long> eldest = eldestFirst.next();
            if (now - eldest.getValue() < maxWait) {
                break;
            }
            due.add(eldest.getKey());
            eldestFirst.remove();
        }
        arm();
        return due;
    }

    /** The models that have learned since they were last taken. */
    List<String> takeStepped() {
        List<String> models = List.copyOf(stepped);
        stepped.clear();
        return models;
    }

    private void arm() {
        Iterator<Long> eldest = openSince.values().iterator();
        if (!armed && eldest.hasNext()) {
            armed = true;
            clock.registerTimer(eldest.next() + maxWait, time -> batchesDue.run());
        }
    }
}
