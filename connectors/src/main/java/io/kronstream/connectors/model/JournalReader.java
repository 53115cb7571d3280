// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.learner.JournalSegment;
import java.io.ByteArrayOutputStream;
import java.util.HashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the journals that lead to published versions. After a failure a version may have been published twice, with
 * different contents where order is that of arrival: what belongs together is told by digests, not by numbers.
 */
public final class JournalReader {

    /** Names a segment. */
    private record SegmentKey(String model, long version, String digest) {}

    private final String topic;
    private final Map<SegmentKey, JournalSegment> segments = new HashMap<>();
    private final Map<SegmentKey, ByteArrayOutputStream> unfinished = new HashMap<>();

    /**
     * Reads the journals of some models, all that the topic holds now.
     *
     * @throws ConnectorException if the topic cannot be read
     */
    public JournalReader(KafkaSettings settings, String topic, boolean committedOnly, Set<String> models) {
        this.topic = topic;
        try (ModelTopic journal = new ModelTopic(settings, topic, committedOnly)) {
            journal.readToEnd(read -> {
                if (models.contains(modelOf(ModelTopic.key(read)))) {
                    take(JournalChunk.fromBytes(read.value()));
                }
            });
        } catch (IllegalArgumentException e) {
            throw new ConnectorException("Topic " + topic + " cannot be read: " + e.getMessage());
        }
    }

    private static String modelOf(String key) {
        int end = key.lastIndexOf("/journal/");
        return end < 0 ? "" : key.substring(0, end);
    }

    private void take(JournalChunk chunk) {
        SegmentKey key = new SegmentKey(chunk.model(), chunk.version(), chunk.digest());
        if (chunk.index() == 0) {
            unfinished.put(key, new ByteArrayOutputStream());
        }
        ByteArrayOutputStream entries = unfinished.get(key);
        if (entries == null) {
            return;
        }
        entries.writeBytes(chunk.entries());
        if (chunk.index() == chunk.count() - 1) {
            segments.put(key, new JournalSegment(chunk.previousDigest(), entries.toByteArray()));
            unfinished.remove(key);
        }
    }

    /**
     * The segments from a model's first version to this one.
     *
     * @throws ConnectorException if one of them is missing
     */
    public List<JournalSegment> upTo(ModelManifest version) {
        LinkedList<JournalSegment> chain = new LinkedList<>();
        String digest = version.modelDigest();
        for (long number = version.version(); number > 0; number--) {
            JournalSegment segment = segments.get(new SegmentKey(version.model(), number, digest));
            if (segment == null) {
                throw new ConnectorException("Topic " + topic + " does not hold the journal of version " + number
                        + " of model '" + version.model() + "', digest " + digest);
            }
            chain.addFirst(segment);
            digest = segment.previousDigest();
        }
        return chain;
    }
}
