// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.learner.SplitMix64;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Whom to kill and when, from a seed alone. Moments are places of the stream, not times, so that kills fall inside the
 * run however fast the machine is: one in each of as many equal stretches of the stream's middle. Every kind of victim
 * occurs if there are enough kills. Every {@value #PAIR}th kill follows hard on the one before, while the job still
 * recovers from that.
 */
final class KillPlan {
    /** Kills fall behind this share of the stream ... */
    static final double FIRST = 0.05;
    /** ... and before this one ... */
    static final double LAST = 0.85;
    /** ... and the stream waits here until all have happened and the job has recovered. */
    static final double HOLD = 0.9;

    static final int PAIR = 4;
    static final int PAIR_MILLIS = 8000;

    /**
     * One kill.
     *
     * @param examples how much of the stream has been learned when it happens
     * @param afterMillis how long after the kill before it happens, whatever has been learned; -1 if that does not matter
     */
    record Kill(Victim victim, long examples, int afterMillis) {
        boolean follows() {
            return afterMillis >= 0;
        }
    }

    private KillPlan() {}

    /** @param examples length of the stream */
    static List<Kill> of(int kills, long examples, long seed) {
        SplitMix64 random = new SplitMix64(seed, "kills");
        List<Victim> victims = victims(kills, random);
        List<Kill> plan = new ArrayList<>();
        for (int i = 0; i < kills; i++) {
            double place = FIRST + (LAST - FIRST) * (i + random.nextDouble()) / kills;
            int after = random.nextInt(PAIR_MILLIS);
            boolean follows = (i + 1) % PAIR == 0;
            plan.add(new Kill(victims.get(i), (long) (place * examples), follows ? after : -1));
        }
        return plan;
    }

    /** All kinds in turn, shuffled. */
    private static List<Victim> victims(int kills, SplitMix64 random) {
        List<Victim> victims = new ArrayList<>();
        for (int i = 0; i < kills; i++) {
            victims.add(Victim.values()[i % Victim.values().length]);
        }
        for (int i = kills - 1; i > 0; i--) {
            Collections.swap(victims, i, random.nextInt(i + 1));
        }
        return victims;
    }
}
