// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

/** A job that did not do what it was submitted for. The message is one sentence for the user. */
public final class JobFailure extends Exception {
    private static final long serialVersionUID = 1L;

    public JobFailure(String sentence) {
        super(sentence);
    }

    public JobFailure(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
