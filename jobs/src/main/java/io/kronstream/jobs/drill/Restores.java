// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.jobs.embedded.FlinkRest;
import java.io.IOException;

/** Counts how often a job went back to a checkpoint, over the lives of several JobManagers, each of which counts anew. */
final class Restores {
    private final Site site;
    private final FlinkRest rest;
    private final String job;
    private int jobManagers;
    private long underOthers;
    private long underThisOne;

    Restores(Site site, String job) {
        this.site = site;
        this.rest = site.rest();
        this.jobManagers = site.jobManagersStarted();
        this.job = job;
    }

    /** Asks the JobManager, if it can be asked. */
    void look() {
        if (site.jobManagersStarted() != jobManagers) {
            jobManagers = site.jobManagersStarted();
            underOthers += underThisOne;
            underThisOne = 0;
        }
        try {
            underThisOne = rest.checkpoints(job).restored();
        } catch (IOException e) {
            // It is away: there will be another look.
        }
    }

    long count() {
        return underOthers + underThisOne;
    }
}
