// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

/** What can be killed. */
public enum Victim {
    TASK_MANAGER("TaskManager"),
    JOB_MANAGER("JobManager"),
    BROKER("broker");

    private final String title;

    Victim(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }
}
