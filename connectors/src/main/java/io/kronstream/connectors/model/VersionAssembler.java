// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.model.ModelKeys.ModelKey;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Puts versions of one model together from its records in the order of the topic. It keeps what compaction would keep:
 * of each key the latest record. A version is whole when its manifest is there and under every key of its slot stands the
 * chunk whose length and digest the manifest names, in whichever version it was written; whatever else is there, older,
 * newer, of another attempt or twice, is not mixed in.
 * Memory is bounded by two versions.
 */
final class VersionAssembler {
    private final Slot[] slots = {new Slot(), new Slot()};
    private long skipped;

    /** The data of a chunk and, once it was asked for, its digest. */
    private static final class Held {
        final byte[] data;
        private String sha256;

        Held(byte[] data) {
            this.data = data;
        }

        String sha256() {
            if (sha256 == null) {
                sha256 = ModelChunk.sha256(data);
            }
            return sha256;
        }
    }

    private static final class Slot {
        final Map<Integer, Held> chunks = new TreeMap<>();
        ModelManifest manifest;
        boolean deleted;
        long chunkBytes;
        boolean reported;

        /** The whole version, if this slot has become one; given out once. */
        Optional<StoredModel> assemble() {
            if (manifest == null || reported || !isComplete()) {
                return Optional.empty();
            }
            byte[] bytes = manifest.reference() == null ? joined() : ModelFiles.read(manifest);
            if (bytes == null || !ModelChunk.sha256(bytes).equals(manifest.payloadSha256())) {
                return Optional.empty();
            }
            reported = true;
            return Optional.of(new StoredModel(manifest, bytes));
        }

        private boolean isComplete() {
            for (ModelManifest.Chunk listed : manifest.chunks()) {
                Held chunk = chunks.get(listed.index());
                if (chunk == null
                        || chunk.data.length != listed.bytes()
                        || !chunk.sha256().equals(listed.sha256())) {
                    return false;
                }
            }
            return true;
        }

        private byte[] joined() {
            ByteBuffer payload = ByteBuffer.allocate((int) manifest.payloadBytes());
            manifest.chunks().forEach(listed -> payload.put(chunks.get(listed.index()).data));
            return payload.array();
        }

        void put(int index, ModelChunk chunk) {
            remove(index);
            chunks.put(index, new Held(chunk.data()));
            chunkBytes += chunk.data().length;
            if (chunkBytes > ModelManifest.MAX_PAYLOAD_BYTES) {
                clear();
            }
        }

        void remove(int index) {
            Held before = chunks.remove(index);
            if (before != null) {
                chunkBytes -= before.data.length;
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
                slot.deleted = true;
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
                slot.deleted = false;
            } else {
                slot.put(key.index(), ModelChunk.fromBytes(value));
            }
        } catch (IllegalArgumentException e) {
            skipped++;
            return Optional.empty();
        }
        return slot.assemble();
    }

    /** Whether this version is whole still: nothing was written over it. */
    boolean stands(ModelManifest version) {
        Slot slot = slots[ModelKeys.slot(version.version())];
        return slot.reported && version.equals(slot.manifest) && slot.isComplete();
    }

    /** Whether the manifests of both slots were deleted, which is how a model is withdrawn. */
    boolean isWithdrawn() {
        return slots[0].deleted && slots[1].deleted;
    }

    /** Records that are neither chunks nor manifests that this code reads. */
    long skipped() {
        return skipped;
    }
}
