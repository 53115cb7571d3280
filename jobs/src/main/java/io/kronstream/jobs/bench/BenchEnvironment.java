// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Where benchmarks put graphs that are only a part of the job's. */
final class BenchEnvironment {
    static final int MAX_PARALLELISM = 128;

    private BenchEnvironment() {}

    /**
     * An environment of parallelism 1 with the settings of a job.
     *
     * @param cluster address of its REST interface
     * @param own more of Flink's settings
     */
    static StreamExecutionEnvironment of(URI cluster, Map<String, String> own) {
        Map<String, String> settings = new HashMap<>(Map.of(
                "execution.checkpointing.incremental", "true",
                "state.backend.rocksdb.compression.per.level", "NO_COMPRESSION",
                "execution.checkpointing.unaligned.enabled", "true",
                "execution.buffer-timeout.interval", "5 ms",
                "pipeline.generic-types", "false",
                "pipeline.object-reuse", "true",
                "parallelism.default", "1"));
        settings.putAll(own);
        Configuration configuration = Configuration.fromMap(settings);
        StreamExecutionEnvironment env =
                StreamExecutionEnvironment.createRemoteEnvironment(cluster.getHost(), cluster.getPort(), configuration);
        env.configure(configuration);
        env.setMaxParallelism(MAX_PARALLELISM);
        return env;
    }
}
