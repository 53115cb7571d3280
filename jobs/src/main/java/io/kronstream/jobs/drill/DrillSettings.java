// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.connectors.KafkaSettings;
import io.kronstream.jobs.JobOptions;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.demo.Dataset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;

/**
 * @param dataset what to learn
 * @param examples length of the stream
 * @param job how to learn it; topics, brokers and directories are chosen by the drill
 * @param kills how many processes to kill
 * @param seed of the stream, the moments and the victims
 * @param partitions of the examples topic
 * @param taskManagers TaskManager processes
 * @param brokerDown how long a broker that was killed stays away
 */
public record DrillSettings(
        Dataset dataset,
        long examples,
        JobSettings job,
        int kills,
        long seed,
        int partitions,
        int taskManagers,
        Duration brokerDown) {
    /** Every so many rows one cannot be read, so that there are dead letters to compare too. */
    private static final int BAD_EVERY = 1009;

    private static final String ORDERED = "ordered";
    private static final byte[] BAD = "not a row".getBytes(StandardCharsets.UTF_8);

    /** {@code ordered}, where two runs are equal, or {@code arrival}, where each equals its own journal. */
    String mode() {
        return job.values().getOrDefault("mode", ORDERED);
    }

    boolean ordered() {
        return mode().equals(ORDERED);
    }

    /** Task slots of each TaskManager: together just enough, so that every TaskManager has something to lose. */
    int slots() {
        return (job.parallelism() + taskManagers - 1) / taskManagers;
    }

    /** The job under topics of its own. */
    JobSettings job(String name, KafkaSettings kafka, Path checkpoints) {
        Map<String, String> values = new TreeMap<>(job.values());
        values.put(JobOptions.JOB_NAME.key(), "kronstream drill: " + name + " run");
        values.put(JobOptions.KAFKA_BOOTSTRAP.key(), kafka.bootstrap());
        values.put(JobOptions.TOPIC_PREFIX.key(), name);
        values.put(
                JobOptions.CHECKPOINT_DIRECTORY.key(),
                checkpoints.resolve(name).toUri().toString());
        return JobSettings.of("drill", values, job.learner().schema());
    }

    /** The stream; the same one each time. */
    Iterator<byte[]> rows() {
        Iterator<byte[]> rows = dataset.rows(seed, examples);
        return new Iterator<>() {
            private long index;

            @Override
            public boolean hasNext() {
                return rows.hasNext();
            }

            @Override
            public byte[] next() {
                byte[] row = rows.next();
                index++;
                return index % BAD_EVERY == 0 ? BAD.clone() : row;
            }
        };
    }
}
