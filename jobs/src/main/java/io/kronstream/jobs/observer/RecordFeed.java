// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.example.RawRecord;

/** Records of some partitions up to stated offsets; those of one partition come in their order. */
interface RecordFeed extends AutoCloseable {
    /**
     * The next record, or null at the end.
     *
     * @throws ConnectorException if it cannot be read
     */
    RawRecord next();

    @Override
    void close();
}
