// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import java.io.Serializable;
import java.util.List;

/**
 * How the value of a record holds rows. Whatever the bytes are, reading them ends in rows or in an {@link
 * UndecodableException}, in time and memory that are bounded by their number.
 */
public interface RowFormat extends Serializable {

    /** Bytes of the largest value that is read. */
    int MAX_VALUE_BYTES = 1 << 20;

    /** Rows of the largest mini-batch in one record. */
    int MAX_ROWS = 4096;

    /** How deep the values of a record may be nested. */
    int MAX_DEPTH = 32;

    /**
     * A reader for one thread.
     *
     * @param columns names of the fields that are wanted; a name with dots leads into nested records
     */
    Reader reader(List<String> columns);

    /** Reads one value after the other. Not thread-safe. */
    interface Reader {

        /** Takes a value, which has 1 to {@link #MAX_VALUE_BYTES} bytes. */
        void start(byte[] value) throws UndecodableException;

        /**
         * Reads the next row of the value.
         *
         * @param row is cleared and filled; valid until the next call
         * @return false if the value holds no more rows
         */
        boolean next(Row row) throws UndecodableException;
    }
}
