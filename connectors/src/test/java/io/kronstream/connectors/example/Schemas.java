// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.learner.Category;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Task;
import java.util.List;
import java.util.Map;

/** Schemas of the tests. */
public final class Schemas {
    private Schemas() {}

    /** Columns time, user, x, country, hour, click: binary, keyed by user. */
    public static DataSchema clicks() {
        return DataSchema.builder(List.of("time", "user", "x", "country", "hour", "click"), Task.BINARY, "click")
                .numeric(List.of("x"))
                .categorical(List.of(Category.oneHot("country", 16)))
                .periodic(Map.of("hour", 24.0))
                .time("time")
                .key("user")
                .build();
    }

    /** Two numbers and a numeric label; one model, no time. */
    public static DataSchema regression() {
        return DataSchema.builder(List.of("a", "b", "y"), Task.REGRESSION, "y")
                .numeric(List.of("b", "a"))
                .build();
    }
}
