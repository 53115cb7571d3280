// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.model.ModelKeys.ModelKey;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Reads published models with an ordinary Kafka consumer. Every call reads the topic from its beginning to what is its
 * end at that moment. A version is returned only if it is whole and its digests are right; never half of one, never a
 * mixture. Where a version was published more than once, the last one counts.
 *
 * <p>Records that are nothing of this kind, or of a newer layout, are skipped. Failures to reach the topic are {@link
 * ConnectorException}s. Not thread-safe.
 */
public final class ModelReader implements AutoCloseable {
    private final ModelTopic topic;

    /**
     * @param topic the models topic
     * @param committedOnly whether to leave out what belongs to transactions that were not committed; true unless the
     *     job publishes without transactions and even that does no harm
     */
    public ModelReader(KafkaSettings settings, String topic, boolean committedOnly) {
        this.topic = new ModelTopic(settings, topic, committedOnly);
    }

    /**
     * Follows the topic from now on, for whoever predicts: see {@link LiveModels}. Returns when what it holds by now has been
     * read.
     */
    public static LiveModels follow(KafkaSettings settings, String topic, boolean committedOnly) {
        return new LiveModels(settings, topic, committedOnly);
    }

    /** Ids of the models that have a manifest. */
    public SortedSet<String> models() {
        SortedMap<String, SortedSet<Integer>> slots = new TreeMap<>();
        topic.rewind();
        topic.readToEnd(read -> ModelKeys.parse(ModelTopic.key(read))
                .filter(ModelKey::isManifest)
                .ifPresent(key -> {
                    SortedSet<Integer> of = slots.computeIfAbsent(key.model(), any -> new TreeSet<>());
                    if (read.value() == null) {
                        of.remove(key.slot());
                    } else {
                        of.add(key.slot());
                    }
                }));
        slots.values().removeIf(SortedSet::isEmpty);
        return new TreeSet<>(slots.keySet());
    }

    /** The whole versions of a model by number. Compaction leaves at least the last whole one. */
    public SortedMap<Long, ModelManifest> versions(String model) {
        SortedMap<Long, ModelManifest> versions = new TreeMap<>();
        read(
                model::equals,
                whole -> versions.put(whole.manifest().version(), whole.manifest()),
                any -> versions.clear());
        return versions;
    }

    /** Of each model the whole version with the highest number. Reads the topic once; holds two payloads per model. */
    public SortedMap<String, ModelManifest> newest() {
        SortedMap<String, ModelManifest> newest = new TreeMap<>();
        read(
                any -> true,
                whole -> newest.merge(
                        whole.manifest().model(),
                        whole.manifest(),
                        (one, other) -> other.version() >= one.version() ? other : one),
                newest::remove);
        return newest;
    }

    /** The whole version of a model with the highest number. */
    public Optional<StoredModel> newest(String model) {
        StoredModel[] newest = new StoredModel[1];
        read(
                model::equals,
                whole -> {
                    if (newest[0] == null
                            || whole.manifest().version()
                                    >= newest[0].manifest().version()) {
                        newest[0] = whole;
                    }
                },
                any -> newest[0] = null);
        return Optional.ofNullable(newest[0]);
    }

    /** One version of a model, if it is there and whole. */
    public Optional<StoredModel> version(String model, long version) {
        StoredModel[] found = new StoredModel[1];
        read(
                model::equals,
                whole -> {
                    if (whole.manifest().version() == version) {
                        found[0] = whole;
                    }
                },
                any -> found[0] = null);
        return Optional.ofNullable(found[0]);
    }

    private void read(Predicate<String> wanted, Consumer<StoredModel> onWhole, Consumer<String> onWithdrawn) {
        Map<String, VersionAssembler> assemblers = new HashMap<>();
        topic.rewind();
        topic.readToEnd(read -> ModelKeys.parse(ModelTopic.key(read))
                .filter(key -> wanted.test(key.model()))
                .ifPresent(key -> {
                    VersionAssembler assembler =
                            assemblers.computeIfAbsent(key.model(), model -> new VersionAssembler());
                    assembler.accept(key, read.value()).ifPresent(onWhole);
                    if (assembler.isWithdrawn()) {
                        onWithdrawn.accept(key.model());
                    }
                }));
    }

    @Override
    public void close() {
        topic.close();
    }
}
