// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

/** What a command's exit status says. */
final class ExitStatus {
    static final int DONE = 0;
    /** Something did not work, or two digests differ. */
    static final int FAILED = 1;
    /** The command or a file it names is not as it must be. */
    static final int MISUSED = 2;

    private ExitStatus() {}
}
