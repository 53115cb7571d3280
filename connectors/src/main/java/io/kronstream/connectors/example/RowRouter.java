// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.connectors.csv.CsvLine;
import io.kronstream.learner.DataSchema;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Key and timestamp of a row as a Kafka record. Every row has them, readable or not. Not thread-safe. */
final class RowRouter {

    /**
     * @param key the model's id in UTF-8
     * @param timestamp milliseconds since the epoch, not negative
     */
    record Route(byte[] key, long timestamp) {}

    private final CsvLine line = new CsvLine();
    private final byte[] defaultKey;
    private final int columns;
    private final int key;
    private final int time;

    RowRouter(DataSchema schema, String defaultModel) {
        this(schema.columns(), schema.key(), schema.time(), defaultModel);
    }

    /**
     * @param key column of the key, or null
     * @param time column of the time, or null
     */
    RowRouter(List<String> columns, String key, String time, String defaultKey) {
        this.defaultKey = defaultKey.getBytes(StandardCharsets.UTF_8);
        this.columns = columns.size();
        this.key = key == null ? -1 : columns.indexOf(key);
        this.time = time == null ? -1 : columns.indexOf(time);
    }

    byte[] key(byte[] row) {
        return key < 0 || !split(row) ? defaultKey : splitKey();
    }

    Route route(byte[] row, long index) {
        long synthetic = index * 1000;
        if (key < 0 && time < 0 || !split(row)) {
            return new Route(defaultKey, synthetic);
        }
        return new Route(key < 0 ? defaultKey : splitKey(), time < 0 ? synthetic : splitTime(synthetic));
    }

    private boolean split(byte[] row) {
        return line.split(row) == CsvLine.Fault.NONE && line.count() == columns;
    }

    private byte[] splitKey() {
        return line.start(key) == line.end(key)
                ? defaultKey
                : Arrays.copyOfRange(line.bytes(key), line.start(key), line.end(key));
    }

    /** Kafka has no time before its epoch; the decoder reads such times from the row itself. */
    private long splitTime(long synthetic) {
        long parsed = RecordTime.parse(line.bytes(time), line.start(time), line.end(time));
        return parsed == RecordTime.MALFORMED ? synthetic : Math.max(0, parsed);
    }
}
