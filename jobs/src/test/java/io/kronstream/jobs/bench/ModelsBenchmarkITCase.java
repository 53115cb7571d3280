// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.jobs.bench.ModelsBenchmark.Load;
import io.kronstream.jobs.bench.ModelsBenchmark.Outcome;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The cache at work: a tenth of the models fits, and nobody can tell. */
class ModelsBenchmarkITCase {
    private static final int MODELS = 2000;
    private static final int THAT_FIT = 200;
    /** Heap and native bytes of a model of 16-32-1 with DyKAF, rounded up: see docs/reference/memory.md. */
    private static final int MODEL_BYTES = 60_000;

    @Test
    void modelsThatLeaveTheCacheAndComeBackAreTheSame(@TempDir Path dir) throws Exception {
        Load load = new Load(
                MODELS,
                30_000,
                1,
                "dykaf",
                (long) THAT_FIT * MODEL_BYTES,
                dir.toUri().toString());
        Outcome outcome;
        try (MiniFlinkCluster cluster = MiniFlinkCluster.start(1, 0)) {
            outcome = ModelsBenchmark.run(cluster.restAddress(), load);
        }

        assertThat(outcome.digests()).hasSize(MODELS).isEqualTo(ModelsBenchmark.expected(load));
        assertThat(outcome.evictions()).isGreaterThan(MODELS);
        assertThat(outcome.misses()).isGreaterThan(2 * MODELS);
    }
}
