// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.net.URI;

/** A Flink session cluster that was started here and ends when it is closed. It listens on loopback only. */
public interface FlinkCluster extends AutoCloseable {

    /** Address of the REST endpoint, which is the web dashboard's too: {@code http://127.0.0.1:PORT}. */
    URI restAddress();

    /** Ends the cluster and all that runs on it, and waits for it; bounded in time. Idempotent. */
    @Override
    void close();
}
