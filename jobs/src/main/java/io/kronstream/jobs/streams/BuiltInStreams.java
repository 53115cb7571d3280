// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.streams;

import java.util.List;
import java.util.Optional;

/** The generated streams by name. */
public final class BuiltInStreams {
    private static final List<BuiltInStream> ALL =
            List.of(SeaStream.oneModel(), new HyperplaneStream(), SeaStream.manyModels());

    private BuiltInStreams() {}

    public static Optional<BuiltInStream> byName(String name) {
        return ALL.stream().filter(stream -> stream.name().equals(name)).findFirst();
    }

    /** Every name that {@link #byName} knows. */
    public static List<String> names() {
        return ALL.stream().map(BuiltInStream::name).toList();
    }
}
