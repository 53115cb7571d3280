// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Waits for what another thread or process does. */
public final class Waiting {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration PAUSE = Duration.ofMillis(50);

    /** What is waited for. */
    public interface Condition {
        boolean holds() throws Exception;
    }

    private Waiting() {}

    /** Looks again and again until it holds; fails after two minutes. */
    public static void await(Condition condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.holds()) {
            assertThat(Duration.ofNanos(System.nanoTime() - start)).as("waited").isLessThan(PATIENCE);
            LockSupport.parkNanos(PAUSE.toNanos());
        }
    }
}
