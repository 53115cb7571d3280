// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import io.kronstream.jobs.JobSettings;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a demo does.
 *
 * @param dataset what to learn from
 * @param examples how many rows to stream at most; without it, all there are
 * @param job the job; its brokers and directories are replaced by those that the demo starts
 * @param seed of a generated stream
 * @param crash whether to kill the TaskManager in the middle of the stream
 * @param ui whether to tell the dashboard's address
 * @param port of the dashboard; without it {@value #DEFAULT_PORT}, or a free one if that is taken
 * @param keep directory to leave everything in, or null to leave nothing
 */
public record DemoSettings(
        Dataset dataset,
        OptionalLong examples,
        JobSettings job,
        long seed,
        boolean crash,
        boolean ui,
        OptionalInt port,
        Path keep) {
    public static final int DEFAULT_PORT = 8081;

    /** Whether the stream ends by itself. */
    boolean bounded() {
        return examples.isPresent() || !dataset.endless();
    }

    long limit() {
        return examples.orElse(Long.MAX_VALUE);
    }
}
