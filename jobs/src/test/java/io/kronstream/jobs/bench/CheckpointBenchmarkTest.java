// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointBenchmarkTest {
    @Test
    void theLastCheckpointOfAStretchHasHalfAnIntervalToEnd() {
        assertThat(CheckpointBenchmark.checkpoints(9_900, 10_000)).isEqualTo(1);
        assertThat(CheckpointBenchmark.checkpoints(14_900, 10_000)).isEqualTo(1);
        assertThat(CheckpointBenchmark.checkpoints(15_100, 10_000)).isEqualTo(2);
        assertThat(CheckpointBenchmark.checkpoints(34_900, 10_000)).isEqualTo(3);
    }

    @Test
    void aStretchHasACheckpointHoweverShortItIs() {
        assertThat(CheckpointBenchmark.checkpoints(1_000, 10_000)).isEqualTo(1);
    }

    @Test
    void timesAreReadUpToTheLastWholeLine(@TempDir Path dir) throws Exception {
        Path file = dir.resolve("steps");
        CheckpointBenchmark.StepTimes times = new CheckpointBenchmark.StepTimes(file, new CompletableFuture<>());
        assertThat(times.read()).isZero();

        Files.writeString(file, "1000\n1010\n1025\n10");
        assertThat(times.read()).isEqualTo(3);
        assertThat(times.at(1)).isEqualTo(1000);
        assertThat(times.millis(1, 3)).isEqualTo(25);
    }
}
