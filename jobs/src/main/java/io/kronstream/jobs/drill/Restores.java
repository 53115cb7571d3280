// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.jobs.embedded.FlinkRest;
import java.io.IOException;

/** Counts how often a job went back to a checkpoint, over the lives of several JobManagers, each of which counts anew. */
final class Restores {
    private final FlinkRest rest;
    private final String job;
    private long underOthers;
    private long underThisOne;

    Restores(FlinkRest rest, String job) {
        this.rest = rest;
        this.job = job;
    }

    /** Asks the JobManager, if it can be asked. */
    void look() {
        try {
            underThisOne = rest.checkpoints(job).restored();
        } catch (IOException e) {
            // It is away: there will be another look.
        }
    }

    /** Says that the JobManager was killed. */
    void anotherJobManager() {
        underOthers += underThisOne;
        underThisOne = 0;
    }

    long count() {
        return underOthers + underThisOne;
    }
}
