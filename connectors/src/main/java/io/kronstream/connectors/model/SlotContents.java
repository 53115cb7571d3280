// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.model.ModelKeys.ModelKey;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the two slots of each model hold in the topic, as its only writer knows: the digest of the chunk under each key,
 * and whether they make a whole version. Digests alone, no data. Not thread-safe.
 */
final class SlotContents {
    /** Digest of a chunk of which only the key is known. */
    private static final String UNKNOWN = "";

    private final Map<String, Slot[]> models = new HashMap<>();

    /** One slot of one model. */
    static final class Slot {
        /** Digest of the chunk under each index. */
        final TreeMap<Integer, String> chunks = new TreeMap<>();
        /** Null where there is none. */
        ModelManifest manifest;

        /** Whether manifest and chunks belong together. */
        boolean isWhole() {
            return manifest != null
                    && manifest.chunks().stream()
                            .allMatch(listed -> listed.sha256().equals(chunks.get(listed.index())));
        }
    }

    /**
     * Reads a models topic from its beginning to its present end.
     *
     * @param trusted whether nobody writes to the topic any more; otherwise only the keys are kept
     */
    static SlotContents read(KafkaSettings settings, String topic, boolean trusted) {
        SlotContents contents = new SlotContents();
        try (ModelTopic records = new ModelTopic(settings, topic, true)) {
            records.readToEnd(read ->
                    ModelKeys.parse(ModelTopic.key(read)).ifPresent(key -> contents.take(key, read.value(), trusted)));
        }
        return contents;
    }

    private void take(ModelKey key, byte[] value, boolean trusted) {
        Slot slot = slot(key.model(), key.slot());
        try {
            if (key.isManifest()) {
                slot.manifest = value == null || !trusted ? null : ModelManifest.fromBytes(value);
            } else if (value == null) {
                slot.chunks.remove(key.index());
            } else {
                slot.chunks.put(
                        key.index(),
                        trusted ? ModelChunk.sha256(ModelChunk.fromBytes(value).data()) : UNKNOWN);
            }
        } catch (IllegalArgumentException e) {
            // Nothing that a reader could use stands there: it will be written over.
            if (key.isManifest()) {
                slot.manifest = null;
            } else {
                slot.chunks.put(key.index(), UNKNOWN);
            }
        }
    }

    Slot slot(String model, int slot) {
        return models.computeIfAbsent(model, any -> new Slot[] {new Slot(), new Slot()})[slot];
    }

    /** Forgets a model that was withdrawn. */
    void forget(String model) {
        models.remove(model);
    }
}
