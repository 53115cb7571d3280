// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import org.apache.flink.runtime.throwable.ThrowableAnnotation;
import org.apache.flink.runtime.throwable.ThrowableType;

/** The job cannot go on from the state it was started with. Trying again would not help, so the job fails at once. */
@ThrowableAnnotation(ThrowableType.NonRecoverableError)
public final class UnfitStateException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public UnfitStateException(String sentence) {
        super(sentence);
    }
}
