// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.TopicSettings;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.JobTopics;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;

/** The topics of a drill's job. */
final class DrillTopics {
    private static final int SEGMENT_BYTES = 32 << 20;
    private static final int RECENT_BYTES = 4 * SEGMENT_BYTES;

    private DrillTopics() {}

    /** Creates them; no published version is ever compacted away, so that all can be compared. */
    static void create(JobSettings job, int partitions) throws InterruptedException, JobFailure {
        try (TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            admin.ensure(job.topics(), TopicSettings.of(partitions, job.parallelism()));
            set(job, job.topics().models(), Map.of(TopicConfig.MIN_COMPACTION_LAG_MS_CONFIG, "" + Long.MAX_VALUE));
            JobTopics.prepare(admin, job);
        }
    }

    /** Lets the topics that grow with every example forget what is old, for a stream that does not end. */
    static void keepRecentOnly(JobSettings job) throws InterruptedException, JobFailure {
        for (String topic : List.of(job.topics().examples(), job.topics().scores())) {
            set(
                    job,
                    topic,
                    Map.of(
                            TopicConfig.SEGMENT_BYTES_CONFIG, "" + SEGMENT_BYTES,
                            TopicConfig.RETENTION_BYTES_CONFIG, "" + RECENT_BYTES));
        }
        set(job, job.topics().models(), Map.of(TopicConfig.MIN_COMPACTION_LAG_MS_CONFIG, "0"));
    }

    private static void set(JobSettings job, String topic, Map<String, String> values)
            throws InterruptedException, JobFailure {
        List<AlterConfigOp> changes = values.entrySet().stream()
                .map(entry ->
                        new AlterConfigOp(new ConfigEntry(entry.getKey(), entry.getValue()), AlterConfigOp.OpType.SET))
                .toList();
        try (Admin admin = Admin.create(job.kafka().client(Map.of(), Map.of()))) {
            admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), changes))
                    .all()
                    .get();
        } catch (ExecutionException e) {
            throw new JobFailure(
                    "The broker refused the settings of topic " + topic + ": "
                            + e.getCause().getMessage(),
                    e);
        }
    }
}
