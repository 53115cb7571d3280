// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.file;

import java.io.IOException;

/** The records of one file as bytes, one after the other. Not thread-safe. */
interface RecordReader extends AutoCloseable {
    /** The next record, or null at the end. */
    byte[] next() throws IOException;

    /** Number of the record that was read last, or could not be read; from 1. */
    long number();

    @Override
    void close() throws IOException;
}
