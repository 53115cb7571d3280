// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.fuzz;

import io.kronstream.connectors.Position;
import io.kronstream.connectors.csv.LineReader;
import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.example.Schemas;
import io.kronstream.connectors.format.AvroFormat;
import io.kronstream.connectors.format.CsvFormat;
import io.kronstream.connectors.format.JsonFormat;
import io.kronstream.connectors.format.RowFormat;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;

/** What the fuzzer calls to read examples in each format, and what else users and other teams write. */
public final class RecordTargets {
    private static final String CLICK =
            """
            {"type": "record", "name": "Click", "fields": [
              {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
              {"name": "user", "type": "string"},
              {"name": "x", "type": ["null", "double", "int", {"type": "bytes", "logicalType": "decimal", "precision": 9}]},
              {"name": "tags", "type": {"type": "array", "items": ["null", "string", "int"]}},
              {"name": "country", "type": ["null", "string"]},
              {"name": "hour", "type": ["int", {"type": "map", "values": "float"}]},
              {"name": "click", "type": "boolean"},
              {"name": "more", "type": ["null", {"type": "array", "items": "Click"}]}]}
            """;

    private RecordTargets() {}

    private static ExampleDecoder decoder(RowFormat format) {
        return new ExampleDecoder(format, Schemas.clicks(), "m");
    }

    private static void decode(ExampleDecoder decoder, byte[] data) {
        Fuzzed.run(data, () -> decoder.decode(new RawRecord("t", 0, 0, 0, null, data)));
    }

    public static final class Csv {
        private static final ExampleDecoder DECODER = decoder(new CsvFormat());

        public static void fuzzerTestOneInput(byte[] data) {
            decode(DECODER, data);
        }
    }

    public static final class Json {
        private static final ExampleDecoder DECODER = decoder(new JsonFormat());

        public static void fuzzerTestOneInput(byte[] data) {
            decode(DECODER, data);
        }
    }

    public static final class Avro {
        private static final ExampleDecoder DECODER = decoder(AvroFormat.ofSchema(CLICK));

        public static void fuzzerTestOneInput(byte[] data) {
            decode(DECODER, data);
        }
    }

    public static final class AvroRows {
        private static final ExampleDecoder DECODER =
                decoder(AvroFormat.ofSchema("{\"type\": \"array\", \"items\": " + CLICK + "}"));

        public static void fuzzerTestOneInput(byte[] data) {
            decode(DECODER, data);
        }
    }

    /** What stands in place of an example and tells a model what to do. */
    public static final class Commands {
        private static final ExampleDecoder DECODER = decoder(new JsonFormat());

        public static void fuzzerTestOneInput(byte[] data) {
            Fuzzed.run(data, () -> DECODER.decode(new RawRecord("t", 0, 0, 0, 0, null, data, true)));
        }
    }

    /** An Avro schema itself, as a registry may give it, then no record of it. */
    public static final class AvroSchema {
        public static void fuzzerTestOneInput(byte[] data) {
            String schema = new String(data, StandardCharsets.UTF_8);
            Fuzzed.run(data, () -> AvroFormat.ofSchema(schema)
                    .reader(Schemas.clicks().columns()));
        }
    }

    /** Files, plain and compressed. */
    public static final class Lines {
        public static void fuzzerTestOneInput(byte[] data) {
            // gzip makes a thousandth of zeros
            Fuzzed.run(data, () -> {
                try (LineReader reader = new LineReader(new ByteArrayInputStream(data))) {
                    byte[] line;
                    do {
                        line = reader.next();
                    } while (line != null);
                    return null;
                }
            });
        }
    }

    /** Positions in topics, as users write them. */
    public static final class Positions {
        public static void fuzzerTestOneInput(byte[] data) {
            String text = new String(data, StandardCharsets.UTF_8);
            Fuzzed.run(data, () -> Position.parse(text));
        }
    }
}
