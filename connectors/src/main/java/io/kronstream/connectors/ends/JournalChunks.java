// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import io.kronstream.connectors.model.JournalChunk;
import io.kronstream.connectors.model.ModelRecord;
import io.kronstream.learner.JournalSegment;
import io.kronstream.learner.PublishedModel;
import java.util.Arrays;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;

/** Cuts the journal of a version into records; a version without a journal gives none. */
public final class JournalChunks implements FlatMapFunction<PublishedModel, ModelRecord> {
    private static final long serialVersionUID = 1;

    private static final int CHUNK_BYTES = 512 << 10;

    private final int chunkBytes;

    public JournalChunks() {
        this(CHUNK_BYTES);
    }

    JournalChunks(int chunkBytes) {
        this.chunkBytes = chunkBytes;
    }

    @Override
    public void flatMap(PublishedModel published, Collector<ModelRecord> out) {
        JournalSegment journal = published.journal();
        if (journal == null) {
            return;
        }
        byte[] entries = journal.entries();
        int count = Math.max(1, (entries.length + chunkBytes - 1) / chunkBytes);
        for (int index = 0; index < count; index++) {
            int from = index * chunkBytes;
            JournalChunk chunk = new JournalChunk(
                    published.model(),
                    published.version(),
                    published.modelDigest(),
                    journal.previousDigest(),
                    index,
                    count,
                    Arrays.copyOfRange(entries, from, Math.min(entries.length, from + chunkBytes)));
            out.collect(new ModelRecord(
                    published.model(),
                    published.model() + "/journal/" + published.version() + "/" + index,
                    chunk.toBytes()));
        }
    }
}
