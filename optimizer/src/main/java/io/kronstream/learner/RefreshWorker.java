// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

/** Does the work of a {@link RefreshRequest}; the same code wherever it runs. Not thread-safe: it owns scratch. */
public final class RefreshWorker implements AutoCloseable {

    public RefreshAnswer compute(RefreshRequest request) {
        throw new UnsupportedOperationException("to come");
    }

    @Override
    public void close() {}
}
