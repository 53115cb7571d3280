// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.Topics;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.connectors.model.StoredModel;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** Where published models are read from. */
final class ModelsOption {
    @Option(names = "--bootstrap", paramLabel = "HOST:PORT", required = true, description = "Brokers to read from.")
    private String bootstrap;

    @Option(
            names = "--prefix",
            paramLabel = "PREFIX",
            defaultValue = "kronstream",
            description = "First part of the topics' names (default: ${DEFAULT-VALUE}).")
    private String prefix;

    @Option(
            names = "--property",
            paramLabel = "KEY=VALUE",
            description = "A property of the Kafka clients, such as security settings. Repeatable.")
    private Map<String, String> properties = Map.of();

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    KafkaSettings kafka() {
        if (bootstrap.isBlank()) {
            throw new InvalidSettingsException("--bootstrap", List.of("must be HOST:PORT, was empty"));
        }
        return new KafkaSettings(bootstrap, properties);
    }

    Topics topics() {
        try {
            return new Topics(prefix);
        } catch (IllegalArgumentException e) {
            throw new InvalidSettingsException("--prefix", List.of(e.getMessage()));
        }
    }

    /** A reader of what is committed; the topic is there. */
    ModelReader open() throws JobFailure {
        KafkaSettings kafka = kafka();
        Topics topics = topics();
        try (TopicAdmin admin = TopicAdmin.connect(kafka)) {
            if (!admin.exists(topics.models())) {
                throw new JobFailure("There is no topic " + topics.models() + " at " + bootstrap + ": is '" + prefix
                        + "' the right --prefix?");
            }
        }
        return new ModelReader(kafka, topics.models(), true);
    }

    /**
     * A version that is there and whole.
     *
     * @param model its id, or null for the only one there is
     * @param version its number, or null for the newest
     */
    StoredModel find(String model, Long version) throws JobFailure {
        try (ModelReader reader = open()) {
            String wanted = model;
            if (wanted == null) {
                List<String> models = new ArrayList<>(reader.models());
                if (models.size() != 1) {
                    throw new JobFailure(
                            models.isEmpty()
                                    ? "The topic holds no model yet"
                                    : "There are " + models.size() + " models: name one with --model, such as "
                                            + models.get(0));
                }
                wanted = models.get(0);
            }
            String missing = "There is no " + (version == null ? "version" : "version " + version) + " of model '"
                    + wanted + "'";
            return (version == null ? reader.newest(wanted) : reader.version(wanted, version))
                    .orElseThrow(() -> new JobFailure(missing));
        }
    }
}
