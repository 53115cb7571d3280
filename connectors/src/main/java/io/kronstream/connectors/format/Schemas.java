// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import java.io.Serializable;
import org.apache.avro.Schema;

/** Avro schemas by the numbers that values name them with. */
public interface Schemas extends Serializable {
    /** Looks up and remembers, for one thread. */
    Lookup lookup();

    /** For one thread. */
    interface Lookup {
        /** @throws UndecodableException if there is none of this number, or it cannot be used */
        Schema schema(int number) throws UndecodableException;
    }
}
