// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.model.ModelKeys.ModelKey;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows a models topic and keeps, of each model, the newest whole version ready to predict. A new version takes the place
 * of the one before between two predictions: each prediction is made by one whole version. Get one by {@link
 * ModelReader#follow}. Thread-safe.
 *
 * <p>If the topic cannot be read any more, what is there goes on predicting, and {@link #failure()} says why nothing newer
 * comes. It needs Kafka's client and no Flink.
 */
public final class LiveModels implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LiveModels.class);

    private final ModelTopic topic;
    private final Map<String, VersionAssembler> assemblers = new HashMap<>();
    private final Map<String, Current> current = new ConcurrentHashMap<>();
    private final Thread thread;
    private final Object arrival = new Object();
    private volatile boolean closed;
    private volatile String failure;

    /** The newest version of a model; it is made ready when it is first asked for. */
    private static final class Current {
        private final StoredModel stored;
        private ServedVersion served;
        private boolean closed;

        Current(StoredModel stored) {
            this.stored = stored;
        }

        /** Null if a newer one has taken its place. */
        synchronized ServedVersion served() {
            if (served == null && !closed) {
                served = new ServedVersion(stored);
            }
            return closed ? null : served;
        }

        void close() {
            ServedVersion ready;
            synchronized (this) {
                closed = true;
                ready = served;
            }
            if (ready != null) {
                ready.close();
            }
        }
    }

    /** Returns when everything that the topic holds by now has been read. */
    LiveModels(KafkaSettings settings, String topic, boolean committedOnly) {
        this.topic = new ModelTopic(settings, topic, committedOnly);
        try {
            this.topic.readToEnd(read -> take(ModelTopic.key(read), read.value()));
        } catch (RuntimeException e) {
            this.topic.close();
            throw e;
        }
        this.thread = new Thread(this::follow, "live-models");
        this.thread.setDaemon(true);
        this.thread.start();
    }

    private void follow() {
        try (topic) {
            while (!closed) {
                topic.poll(read -> take(ModelTopic.key(read), read.value()));
            }
        } catch (RuntimeException e) {
            if (!closed) {
                failure = e.getMessage();
                LOG.error("The models topic is not followed any more", e);
            }
        } finally {
            synchronized (arrival) {
                closed = true;
                arrival.notifyAll();
            }
        }
    }

    private void take(String text, byte[] value) {
        ModelKey key = ModelKeys.parse(text).orElse(null);
        if (key == null) {
            return;
        }
        VersionAssembler assembler = assemblers.computeIfAbsent(key.model(), any -> new VersionAssembler());
        Optional<StoredModel> whole;
        try {
            whole = assembler.accept(key, value);
        } catch (ConnectorException e) {
            LOG.warn("{}", e.getMessage());
            return;
        }
        if (assembler.isWithdrawn()) {
            replace(key.model(), null);
            assemblers.remove(key.model());
        } else if (whole.isPresent() && isNewer(assembler, whole.get())) {
            replace(key.model(), new Current(whole.get()));
        }
    }

    /** A higher number, or the present one does not stand in the topic any more, as when a job began anew. */
    private boolean isNewer(VersionAssembler assembler, StoredModel whole) {
        Current present = current.get(whole.manifest().model());
        return present == null
                || whole.manifest().version() > present.stored.manifest().version()
                || !assembler.stands(present.stored.manifest());
    }

    private void replace(String model, Current next) {
        Current before = next == null ? current.remove(model) : current.put(model, next);
        synchronized (arrival) {
            arrival.notifyAll();
        }
        if (before != null) {
            before.close();
        }
    }

    /** Ids of the models that have a version now. */
    public SortedSet<String> models() {
        return new TreeSet<>(current.keySet());
    }

    /** What the newest version of a model is. */
    public Optional<ModelManifest> manifest(String model) {
        return Optional.ofNullable(current.get(model)).map(newest -> newest.stored.manifest());
    }

    /** The newest version of a model with its payload. */
    public Optional<StoredModel> newest(String model) {
        return Optional.ofNullable(current.get(model)).map(newest -> newest.stored);
    }

    /**
     * Predictions by one version, the newest.
     *
     * @param rows see {@link ServedVersion}
     * @throws IllegalArgumentException with a sentence, if there is no such model, or a row is not what its schema says
     */
    public Predictions predict(String model, List<? extends Map<String, ?>> rows) {
        Objects.requireNonNull(model, "model");
        while (true) {
            Current newest = current.get(model);
            if (newest == null) {
                throw new IllegalArgumentException("There is no model '" + model + "'; there are " + models());
            }
            ServedVersion served = newest.served();
            if (served == null) {
                continue; // a newer one has just taken its place
            }
            try {
                return new Predictions(newest.stored.manifest(), served.predict(rows));
            } catch (IllegalStateException e) {
                if (current.get(model) == newest) {
                    throw e;
                }
            }
        }
    }

    /** A prediction by the newest version. */
    public double predict(String model, Map<String, ?> row) {
        return predict(model, List.of(row)).values()[0];
    }

    /**
     * Predictions and the version that made them all.
     *
     * @param values one for each row
     */
    public record Predictions(ModelManifest version, double[] values) {}

    /**
     * The versions of a model from the present one on, each when it has come; it blocks in between, and ends when this is
     * closed. Who is slow misses versions, but not the newest.
     */
    public Stream<ModelManifest> versions(String model) {
        return Stream.iterate(next(model, null), Objects::nonNull, before -> next(model, before));
    }

    /** Waits for a version of the model other than this; null if there will be none. */
    private ModelManifest next(String model, ModelManifest before) {
        synchronized (arrival) {
            while (true) {
                ModelManifest present = manifest(model).orElse(null);
                if (present != null && present != before) {
                    return present;
                }
                if (closed) {
                    return null;
                }
                try {
                    arrival.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return null;
                }
            }
        }
    }

    /** Why no newer version will come, if the topic cannot be followed any more. */
    public Optional<String> failure() {
        return Optional.ofNullable(failure);
    }

    @Override
    public void close() {
        closed = true;
        topic.wakeup();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        List.copyOf(current.keySet()).forEach(model -> replace(model, null));
    }
}
