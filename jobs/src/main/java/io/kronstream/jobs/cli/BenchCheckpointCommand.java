// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.bench.CheckpointBenchmark;
import io.kronstream.jobs.bench.CheckpointBenchmark.Setup;
import io.kronstream.jobs.bench.CheckpointMeasurement;
import io.kronstream.jobs.embedded.ProcessFlinkCluster;
import io.kronstream.optimizers.Optimizers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.util.FileUtils;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code kronstream bench checkpoint}. */
@Command(
        name = "checkpoint",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Trains a network of ten million parameters in a TaskManager of its own and measures what checkpoints cost:",
            "equally many steps with and without them take turns. docs/performance.md says what the numbers mean."
        })
final class BenchCheckpointCommand implements Callable<Integer> {
    private static final List<String> BACKENDS = List.of("rocksdb", "hashmap");
    private static final int MEMORY_MEBIBYTES = 6144;
    private static final double MEBIBYTE = 1 << 20;

    @Option(
            names = "--optimizers",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "adam,dykaf",
            description = "At their default knobs (default: ${DEFAULT-VALUE}).")
    private List<String> optimizers;

    @Option(
            names = "--backends",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "rocksdb",
            description = "State backends: rocksdb or hashmap (default: ${DEFAULT-VALUE}).")
    private List<String> backends;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "64",
            description = "Examples of a step (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(
            names = "--windows",
            paramLabel = "N",
            defaultValue = "5",
            description = "Stretches with checkpoints, each between two without (default: ${DEFAULT-VALUE}).")
    private int windows;

    @Option(
            names = "--interval",
            paramLabel = "SECONDS",
            defaultValue = "10",
            description = "Between two checkpoints (default: ${DEFAULT-VALUE}).")
    private int interval;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting of Flink's own for the job, for example"
                    + " --set state.backend.rocksdb.writebuffer.count=2. Repeatable.")
    private Map<String, String> flink = Map.of();

    @Mixin
    private BenchOutput output;

    @Override
    public Integer call() throws Exception {
        check();
        Path dir = Files.createTempDirectory("kronstream-checkpoint");
        try {
            for (String optimizer : optimizers) {
                for (String backend : backends) {
                    Path own = dir.resolve(optimizer + "-" + backend);
                    Files.createDirectories(own);
                    Setup setup = new Setup(optimizer, backend, batch, windows, 1000L * interval, flink, own);
                    try (ProcessFlinkCluster cluster =
                            ProcessFlinkCluster.startOne(own.resolve("cluster"), MEMORY_MEBIBYTES)) {
                        CheckpointMeasurement measured = CheckpointBenchmark.run(cluster.restAddress(), setup);
                        output.tell(measured, row(measured));
                    }
                    FileUtils.deleteDirectoryQuietly(own.toFile());
                }
            }
        } finally {
            FileUtils.deleteDirectoryQuietly(dir.toFile());
        }
        return ExitStatus.DONE;
    }

    private void check() {
        List<String> problems = new ArrayList<>();
        for (String name : optimizers) {
            if (!Optimizers.names().contains(name)) {
                problems.add("unknown optimizer '" + name + "'; known are " + String.join(", ", Optimizers.names()));
            }
        }
        for (String name : backends) {
            if (!BACKENDS.contains(name)) {
                problems.add("unknown backend '" + name + "'; known are " + String.join(", ", BACKENDS));
            }
        }
        if (batch < 1 || windows < 1 || interval < 1) {
            problems.add("--batch, --windows and --interval must be at least 1");
        }
        if (!problems.isEmpty()) {
            throw new InvalidSettingsException("bench checkpoint", problems);
        }
    }

    private static String row(CheckpointMeasurement measured) {
        return String.format(
                Locale.ROOT,
                "%s on %s: %,d parameters, %.0f MiB of state; a checkpoint takes %.0f ms, writes %.0f MiB and stops"
                        + " learning for %.0f ms; %.3f steps a second without, %.3f with one every %d s: %.1f %% slower",
                measured.optimizer(),
                measured.backend(),
                measured.parameters(),
                measured.stateBytes() / MEBIBYTE,
                measured.durationMillis(),
                measured.checkpointBytes() / MEBIBYTE,
                measured.blockedMillis(),
                measured.stepsPerSecond(),
                measured.stepsPerSecondWithCheckpoint(),
                measured.intervalMillis() / 1000,
                100 * measured.slowdown());
    }
}
