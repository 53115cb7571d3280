// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.file;

import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.example.Schemas;
import io.kronstream.connectors.format.AvroFormat;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.connectors.fuzz.Fuzzed;
import java.io.ByteArrayInputStream;
import org.apache.avro.Schema;

/** What the fuzzer calls to read Avro files: their heads, schemas, blocks and the first rows. */
public final class AvroFileTarget {
    /** Deflate makes a thousand rows of a byte. */
    private static final int MAX_ROWS = 1000;

    private static final int DECODED_ROWS = 10;

    private AvroFileTarget() {}

    public static void fuzzerTestOneInput(byte[] data) {
        Fuzzed.run(data, () -> {
            Schema schema = AvroBlocks.schema(new ByteArrayInputStream(data));
            ExampleDecoder decoder = new ExampleDecoder(
                    AvroFormat.ofSchemas(() -> number -> named(schema, number)), Schemas.clicks(), "m");
            try (AvroBlocks blocks = new AvroBlocks(new ByteArrayInputStream(data), 0)) {
                byte[] row = blocks.next();
                for (int rows = 0; row != null && rows < MAX_ROWS; rows++) {
                    if (rows < DECODED_ROWS) {
                        decode(decoder, row);
                    }
                    row = blocks.next();
                }
            }
            return null;
        });
    }

    private static Schema named(Schema schema, int number) throws UndecodableException {
        if (number != 0) {
            throw new UndecodableException("malformed", "A block is broken");
        }
        return schema;
    }

    private static void decode(ExampleDecoder decoder, byte[] row) throws UndecodableException {
        try {
            decoder.decode(new RawRecord("t", 0, 0, 0, null, row));
        } catch (UndecodableException e) {
            if (!e.reason().matches("[a-z]+") || e.sentence().isBlank()) {
                throw e;
            }
        }
    }
}
