// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.learner.ControlState;
import io.kronstream.learner.PublishedModel;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Published models of the tests. */
public final class Models {
    private Models() {}

    /** A version whose payload depends on nothing but the arguments. */
    public static PublishedModel published(String model, long version, int payloadBytes, long seed) {
        byte[] payload = new byte[payloadBytes];
        new Random(seed * 31 + version).nextBytes(payload);
        return published(model, version, payload);
    }

    static PublishedModel published(String model, long version, byte[] payload) {
        return new PublishedModel(
                model,
                version,
                10 * version,
                320 * version,
                new TreeMap<>(Map.of(0, 0L, 3, 11L)),
                new TreeMap<>(Map.of(0, 320 * version - 1, 3, 17L)),
                false,
                "ordered",
                "c0ffee",
                "Haswell OpenBLAS",
                ModelChunk.sha256(payload),
                payload,
                null,
                ControlState.NONE);
    }

    public static List<ModelRecord> records(PublishedModel published, int chunkBytes) {
        return cutter(chunkBytes).cut(published);
    }

    /** A cutter for an empty topic whose records leave room for chunks of this size. */
    static VersionCutter cutter(int chunkBytes) {
        return new VersionCutter(1 << 20, chunkBytes, null);
    }
}
