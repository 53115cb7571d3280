// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.TopicRegister;
import io.kronstream.connectors.file.FileLines;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Finds out, before a job is submitted, what exactly it reads. */
public final class JobSources {
    private JobSources() {}

    /**
     * The same job with each file and topic by its name: directories and patterns are looked up, and what an earlier start
     * of the job has found, or the job while it ran, comes first, since its order is part of the state.
     *
     * @throws ConnectorException if there is nothing to read, or it cannot be read
     */
    public static JobSettings resolve(TopicAdmin admin, JobSettings settings) {
        JobSettings.Source source = settings.input().source();
        if (!source.files().isEmpty()) {
            JobSettings resolved = settings.withSource(new JobSettings.Source(
                    source.topics(),
                    source.pattern(),
                    source.start(),
                    source.end(),
                    FileLines.list(source.files()),
                    source.sql()));
            FileLines.check(TrainingJob.files(resolved));
            return resolved;
        }
        if (source.topics().isEmpty() && source.pattern() == null) {
            return settings;
        }
        Set<String> existing = admin.topics();
        Set<String> topics = new LinkedHashSet<>();
        if (source.pattern() != null) {
            topics.addAll(new TopicRegister(settings.kafka(), settings.topics()).names());
        }
        topics.addAll(source.topics());
        for (String topic : source.topics()) {
            if (!existing.contains(topic)) {
                throw new ConnectorException(
                        "There is no topic " + topic + " at " + settings.kafka().bootstrap());
            }
        }
        if (source.pattern() != null) {
            if (existing.contains(settings.topics().models())) {
                JobRecord.read(settings.kafka(), settings.topics())
                        .ifPresent(
                                before -> topics.addAll(before.input().source().topics()));
            }
            Pattern pattern = Pattern.compile(source.pattern());
            existing.stream()
                    .filter(topic -> pattern.matcher(topic).matches())
                    .filter(topic -> !settings.topics().isOwn(topic))
                    .forEach(topics::add);
            if (topics.isEmpty()) {
                throw new ConnectorException("There is no topic at "
                        + settings.kafka().bootstrap() + " whose name is like '" + source.pattern() + "'");
            }
        }
        return settings.withSource(new JobSettings.Source(
                List.copyOf(topics), source.pattern(), source.start(), source.end(), List.of(), null));
    }
}
