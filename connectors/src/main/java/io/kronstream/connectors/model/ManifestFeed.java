// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.KafkaSettings;
import java.util.ArrayList;
import java.util.List;

/** Follows the manifests of a models topic, for a display of what is being published. Not thread-safe. */
public final class ManifestFeed implements AutoCloseable {
    private final ModelTopic topic;

    /**
     * Starts at the beginning of the topic.
     *
     * @param committedOnly as for {@link ModelReader}
     */
    public ManifestFeed(KafkaSettings settings, String topic, boolean committedOnly) {
        this.topic = new ModelTopic(settings, topic, committedOnly);
    }

    /**
     * The manifests since the last poll, those of one model in the order of the topic. Returns at the topic's present
     * end.
     */
    public List<ModelManifest> poll() {
        List<ModelManifest> manifests = new ArrayList<>();
        topic.readToEnd(read -> ModelKeys.parse(ModelTopic.key(read))
                .filter(ModelKeys.ModelKey::isManifest)
                .filter(key -> read.value() != null)
                .ifPresent(key -> {
                    try {
                        manifests.add(ModelManifest.fromBytes(read.value()));
                    } catch (IllegalArgumentException e) {
                        // not one of ours: a display has nothing to say about it
                    }
                }));
        return manifests;
    }

    @Override
    public void close() {
        topic.close();
    }
}
