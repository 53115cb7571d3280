// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Waits for something that another process does. */
final class Await {
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final Duration PAUSE = Duration.ofMillis(50);

    /** A condition; an {@link IOException} means "not yet". */
    interface Condition {
        boolean holds() throws IOException;
    }

    /** Says why it is pointless to wait any longer, by throwing. */
    interface Check {
        void stillPossible() throws IOException;
    }

    private Await() {}

    static void until(String what, Condition condition) throws IOException {
        until(what, condition, () -> {});
    }

    /**
     * @param what completes the sentence "... did not happen"
     * @throws IOException when the check throws, or after five minutes
     */
    static void until(String what, Condition condition, Check check) throws IOException {
        long start = System.nanoTime();
        IOException last = null;
        while (System.nanoTime() - start < LIMIT.toNanos()) {
            check.stillPossible();
            try {
                if (condition.holds()) {
                    return;
                }
            } catch (InterruptedIOException e) {
                throw e;
            } catch (IOException e) {
                last = e;
            }
            LockSupport.parkNanos(PAUSE.toNanos());
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("Interrupted while waiting until " + what);
            }
        }
        throw new IOException(
                "Waited %d s in vain until %s%s"
                        .formatted(LIMIT.toSeconds(), what, last == null ? "." : ": " + last.getMessage()),
                last);
    }
}
