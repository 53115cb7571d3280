// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.model.SlotContents.Slot;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.PublishedModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Cuts versions of models into the records of the models topic: chunks, then the manifest that makes them a version. It
 * is the only writer of its models.
 *
 * <p>A version goes to the slot {@code version mod 2}. A chunk that stands there already, from two versions ago, is not
 * written again; whole chunks replace chunks, never differences. The version in the other slot stays as it is until this
 * one is whole, so that a reader finds a whole version at every moment, whatever compaction removes and wherever the
 * writer stops.
 *
 * <p>A writer that starts again and finds one slot broken, as a crash in the middle of a version leaves it, does not
 * touch the whole one before the other is whole too: a version for the whole slot is left out, the next goes to the broken
 * one. The last version of a stream is never left out. Not thread-safe.
 */
public final class VersionCutter {
    public static final int DEFAULT_CHUNK_BYTES = 512 << 10;

    /** Bytes of a record batch of one record beside its value, generously: headers of batch and record, and the key. */
    private static final int RECORD_OVERHEAD = 1024;

    /** The least that a topic must take: a chunk of a kibibyte, and a manifest. */
    private static final int MIN_RECORD_BYTES = 4 * RECORD_OVERHEAD;

    private final int recordBytes;
    private final int chunkBytes;
    private final LearnerSettings learner;
    private final SlotContents contents;

    private VersionCutter(int recordBytes, int chunkBytes, LearnerSettings learner, SlotContents contents) {
        this.recordBytes = recordBytes;
        this.chunkBytes = chunkBytes;
        this.learner = learner;
        this.contents = contents;
    }

    /**
     * A cutter for a topic that holds nothing.
     *
     * @param recordBytes the largest record that the topic takes
     * @param chunkBytes bytes of payload in every chunk but the last
     * @param learner what the models are, for their manifests; may be null
     */
    VersionCutter(int recordBytes, int chunkBytes, LearnerSettings learner) {
        this(recordBytes, chunkBytes, learner, new SlotContents());
    }

    /**
     * A cutter for a topic as it is now: asks the broker for its largest record, and reads what it holds.
     *
     * @param delivery with {@link Delivery#EXACTLY_ONCE} an earlier attempt's transactions may still be committed, so the
     *     first version in each slot is written whole
     * @throws ConnectorException if the topic is not there or takes too small records
     */
    public static VersionCutter of(KafkaSettings settings, String topic, Delivery delivery, LearnerSettings learner) {
        int recordBytes;
        try (TopicAdmin admin = TopicAdmin.connect(settings)) {
            recordBytes = admin.maxRecordBytes(topic);
        }
        if (recordBytes < MIN_RECORD_BYTES) {
            throw new ConnectorException("Topic " + topic + " takes records of at most " + recordBytes
                    + " bytes, models need " + MIN_RECORD_BYTES + ": raise its max.message.bytes");
        }
        return new VersionCutter(
                recordBytes,
                chunkBytes(recordBytes),
                learner,
                SlotContents.read(settings, topic, delivery == Delivery.AT_LEAST_ONCE));
    }

    /** Bytes of payload in every chunk but the last, where records have at most so many bytes. */
    static int chunkBytes(int recordBytes) {
        return Math.max(1, Math.min(DEFAULT_CHUNK_BYTES, recordBytes - RECORD_OVERHEAD));
    }

    /**
     * The records of a version, in the order in which they must be written; none if it is left out.
     *
     * @throws ConnectorException if its manifest is larger than the topic's records
     */
    public List<ModelRecord> cut(PublishedModel published) {
        byte[] payload = published.payload();
        List<byte[]> data = new ArrayList<>();
        List<ModelManifest.Chunk> listed = new ArrayList<>();
        for (int from = 0; from < payload.length; from += chunkBytes) {
            byte[] chunk = Arrays.copyOfRange(payload, from, Math.min(payload.length, from + chunkBytes));
            listed.add(new ModelManifest.Chunk(data.size(), chunk.length, ModelChunk.sha256(chunk)));
            data.add(chunk);
        }
        return write(published, ModelManifest.of(published, learner, null, listed), data);
    }

    /**
     * The records of a version whose payload lies in a file: its manifest alone.
     *
     * @param uri of the file
     */
    public List<ModelRecord> refer(PublishedModel published, String uri) {
        return write(published, ModelManifest.of(published, learner, uri, List.of()), List.of());
    }

    private List<ModelRecord> write(PublishedModel published, ModelManifest manifest, List<byte[]> data) {
        String model = published.model();
        long version = published.version();
        Slot slot = contents.slot(model, ModelKeys.slot(version));
        Slot other = contents.slot(model, ModelKeys.slot(version + 1));
        if (slot.isWhole() && !other.isWhole() && !manifest.equals(slot.manifest) && !manifest.finished()) {
            return List.of();
        }
        byte[] manifestBytes = manifest.toBytes();
        if (manifestBytes.length > recordBytes - RECORD_OVERHEAD) {
            throw new ConnectorException("The manifest of version " + version + " of model '" + model + "' has "
                    + manifestBytes.length + " bytes, too many for records of " + recordBytes
                    + ": raise max.message.bytes of the models topic, or let large models go to files");
        }
        List<ModelRecord> records = new ArrayList<>();
        for (ModelManifest.Chunk listed : manifest.chunks()) {
            int index = listed.index();
            if (!listed.sha256().equals(slot.chunks.put(index, listed.sha256()))) {
                records.add(new ModelRecord(
                        model,
                        ModelKeys.chunk(model, version, index),
                        new ModelChunk(version, data.get(index)).toBytes()));
            }
        }
        var superfluous = slot.chunks.tailMap(manifest.chunks().size());
        superfluous.keySet().forEach(index -> records.add(tombstone(model, ModelKeys.chunk(model, version, index))));
        superfluous.clear();
        records.add(new ModelRecord(model, ModelKeys.manifest(model, version), manifestBytes));
        slot.manifest = manifest;
        return records;
    }

    /** The records that withdraw a model: its manifests first, so that no reader sees a version that falls apart. */
    public List<ModelRecord> withdraw(String model) {
        List<ModelRecord> records = new ArrayList<>();
        for (int slot = 0; slot < 2; slot++) {
            records.add(tombstone(model, ModelKeys.manifest(model, slot)));
        }
        for (int slot = 0; slot < 2; slot++) {
            for (int index : contents.slot(model, slot).chunks.keySet()) {
                records.add(tombstone(model, ModelKeys.chunk(model, slot, index)));
            }
        }
        contents.forget(model);
        return records;
    }

    private static ModelRecord tombstone(String model, String key) {
        return new ModelRecord(model, key, null);
    }
}
