// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.TopicSettings;
import io.kronstream.learner.PublishedModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;

/**
 * Cuts a version of a model into records: its chunks, then its manifest, which makes it whole. Equal versions give
 * equal records, so that publishing one again changes nothing.
 */
public final class ModelChunks implements FlatMapFunction<PublishedModel, ModelRecord> {
    private static final long serialVersionUID = 1;

    public static final int DEFAULT_CHUNK_BYTES = 512 << 10;

    private static final int MAX_CHUNK_BYTES = TopicSettings.MAX_RECORD_BYTES - (64 << 10);

    private final int chunkBytes;

    public ModelChunks() {
        this(DEFAULT_CHUNK_BYTES);
    }

    /** @param chunkBytes bytes of payload in every chunk but the last */
    public ModelChunks(int chunkBytes) {
        if (chunkBytes < 1 || chunkBytes > MAX_CHUNK_BYTES) {
            throw new IllegalArgumentException(
                    "A chunk must have 1 to " + MAX_CHUNK_BYTES + " bytes to fit in a record, was " + chunkBytes);
        }
        this.chunkBytes = chunkBytes;
    }

    @Override
    public void flatMap(PublishedModel published, Collector<ModelRecord> out) {
        byte[] payload = published.payload();
        List<ModelManifest.Chunk> listed = new ArrayList<>();
        for (int from = 0; from < payload.length; from += chunkBytes) {
            byte[] data = Arrays.copyOfRange(payload, from, Math.min(payload.length, from + chunkBytes));
            int index = listed.size();
            listed.add(new ModelManifest.Chunk(index, data.length, ModelChunk.sha256(data)));
            out.collect(new ModelRecord(
                    published.model(),
                    ModelKeys.chunk(published.model(), published.version(), index),
                    new ModelChunk(published.version(), data).toBytes()));
        }
        out.collect(new ModelRecord(
                published.model(),
                ModelKeys.manifest(published.model(), published.version()),
                ModelManifest.of(published, listed).toBytes()));
    }
}
