// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.jobs.streams.BuiltInStreams;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

/** Rows of the built-in streams, with seed 1. */
public final class Rows {
    private Rows() {}

    public static List<String> of(String stream, int count) {
        return of(stream, 0, count);
    }

    /** Rows {@code from}, inclusive, to {@code to}, exclusive. */
    public static List<String> of(String stream, int from, int to) {
        Iterator<String> rows = BuiltInStreams.byName(stream).orElseThrow().rows(1);
        return Stream.generate(rows::next).limit(to).skip(from).toList();
    }
}
