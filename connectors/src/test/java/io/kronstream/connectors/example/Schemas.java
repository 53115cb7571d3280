// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Task;
import java.util.List;
import java.util.Map;

/** Schemas of the tests. */
public final class Schemas {
    private Schemas() {}

    /** Columns time, user, x, country, hour, click: binary, keyed by user. */
    public static DataSchema clicks() {
        return new DataSchema(
                List.of("time", "user", "x", "country", "hour", "click"),
                Task.BINARY,
                "click",
                List.of("x"),
                List.of("country"),
                16,
                Map.of("hour", 24.0),
                "time",
                "user",
                null,
                List.of(),
                null);
    }

    /** Two numbers and a numeric label; one model, no time. */
    public static DataSchema regression() {
        return new DataSchema(
                List.of("a", "b", "y"),
                Task.REGRESSION,
                "y",
                List.of("b", "a"),
                List.of(),
                DataSchema.DEFAULT_HASH_BUCKETS,
                Map.of(),
                null,
                null,
                null,
                List.of(),
                null);
    }
}
