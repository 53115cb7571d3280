// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.connectors.TopicAdmin;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The job as the main class of a jar that Flink itself runs, from its command line or its web interface:
 *
 * <pre>{@code
 * flink run -c io.kronstream.jobs.SubmittedJob kronstream-jobs.jar job.yaml [KEY=VALUE ...]
 * }</pre>
 *
 * The jar holds the job alone; what it needs lies in Flink's own {@code lib/}. A savepoint to go on from is named as for any
 * job ({@code flink run -s}).
 */
public final class SubmittedJob {
    private SubmittedJob() {}

    /** @param arguments the job's file, then options in place of the file's */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 0) {
            throw new InvalidSettingsException("arguments", List.of("must be job.yaml [KEY=VALUE ...]"));
        }
        Map<String, String> overrides = new TreeMap<>();
        for (int i = 1; i < arguments.length; i++) {
            int equals = arguments[i].indexOf('=');
            if (equals < 1) {
                throw new InvalidSettingsException(
                        "arguments", List.of("'" + arguments[i] + "' must be KEY=VALUE, an option of the job"));
            }
            overrides.put(arguments[i].substring(0, equals), arguments[i].substring(equals + 1));
        }
        JobSettings settings = JobFile.read(Path.of(arguments[0]), overrides);
        if (settings.checkpoints().directory() == null) {
            throw new InvalidSettingsException(
                    arguments[0],
                    List.of("'" + JobOptions.CHECKPOINT_DIRECTORY.key()
                            + "' is missing: a cluster needs a directory that all its machines reach"));
        }
        try (TopicAdmin admin = TopicAdmin.connect(settings.kafka())) {
            settings = JobSources.resolve(admin, settings);
            JobTopics.prepare(admin, settings);
        }
        Configuration configuration = TrainingJob.configuration(settings);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        env.configure(configuration);
        TrainingJob.build(env, settings, false, null);
        env.execute(settings.name());
    }
}
