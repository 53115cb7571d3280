// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.model.ModelKeys.ModelKey;
import java.io.ByteArrayOutputStream;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Puts versions of one model together from its records in the order of the topic. It keeps what compaction would keep:
 * of each key the latest record. A version is whole when its manifest is there and every chunk has the manifest's
 * version, length and digest; whatever else is there, older, newer, of another attempt or twice, is not mixed in.
 * Memory is bounded by two versions.
 */
final class VersionAssembler {
    private final Slot[] slots = {new Slot(), new Slot()};
    private long skipped;

    private static final class Slot {
        final Map<Integer, ModelChunk> chunks = new TreeMap<>();
        ModelManifest manifest;
        long chunkBytes;
        boolean reported;

        /** The whole version, if this slot has become one; given out once. */
        Optional<StoredModel> assemble() {
            if (manifest == null || reported || !isComplete()) {
                return Optional.empty();
            }
            ByteArrayOutputStream payload = new ByteArrayOutputStream((int) manifest.payloadBytes());
            for (ModelManifest.Chunk listed : manifest.chunks()) {
                byte[] data = chunks.get(listed.index()).data();
                if (!ModelChunk.sha256(data).equals(listed.sha256())) {
                    return Optional.empty();
                }
                payload.writeBytes(data);
            }
            byte[] bytes = payload.toByteArray();
            if (!ModelChunk.sha256(bytes).equals(manifest.payloadSha256())) {
                return Optional.empty();
            }
            reported = true;
            return Optional.of(new StoredModel(manifest, bytes));
        }

        private boolean isComplete() {
            for (ModelManifest.Chunk listed : manifest.chunks()) {
                ModelChunk chunk = chunks.get(listed.index());
                if (chunk == null || chunk.version() != manifest.version() || chunk.data().length != listed.bytes()) {
                    return false;
                }
            }
            return true;
        }

        void put(int index, ModelChunk chunk) {
            remove(index);
            chunks.put(index, chunk);
            chunkBytes += chunk.data().length;
            if (chunkBytes > ModelManifest.MAX_PAYLOAD_BYTES) {
                clear();
            }
        }

        void remove(int index) {
            ModelChunk before = chunks.remove(index);
            if (before != null) {
                chunkBytes -= before.data().length;
            }
        }

        private void clear() {
            chunks.clear();
            chunkBytes = 0;
        }
    }

    /**
     * Takes the model's next record.
     *
     * @param value null for a deleted key
     * @return the version that this record makes whole, if it does
     */
    Optional<StoredModel> accept(ModelKey key, byte[] value) {
        Slot slot = slots[key.slot()];
        if (value == null) {
            if (key.isManifest()) {
                slot.manifest = null;
            } else {
                slot.remove(key.index());
            }
            return Optional.empty();
        }
        try {
            if (key.isManifest()) {
                ModelManifest manifest = ModelManifest.fromBytes(value);
                if (!manifest.model().equals(key.model()) || ModelKeys.slot(manifest.version()) != key.slot()) {
                    throw new IllegalArgumentException("The manifest does not belong to its key");
                }
                slot.manifest = manifest;
                slot.reported = false;
            } else {
                slot.put(key.index(), ModelChunk.fromBytes(value));
            }
        } catch (IllegalArgumentException e) {
            skipped++;
            return Optional.empty();
        }
        return slot.assemble();
    }

    /** Records that are neither chunks nor manifests that this code reads. */
    long skipped() {
        return skipped;
    }
}
