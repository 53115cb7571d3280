// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.bench.ModelsBenchmark;
import io.kronstream.jobs.bench.ModelsBenchmark.Load;
import io.kronstream.jobs.bench.ModelsBenchmark.Outcome;
import io.kronstream.jobs.embedded.ProcessFlinkCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.flink.util.FileUtils;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code kronstream bench models}. */
@Command(
        name = "models",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Trains many models of 16-32-1 in one TaskManager whose cache holds only some of them, keys by Zipf's law,",
            "and compares every model with a learner that never left memory. docs/reference/memory.md explains it."
        })
final class BenchModelsCommand implements Callable<Integer> {
    private static final int MEBIBYTE = 1 << 20;

    @Option(
            names = "--models",
            paramLabel = "N",
            defaultValue = "100000",
            description = "Models (default: ${DEFAULT-VALUE}).")
    private int models;

    @Option(
            names = "--examples",
            paramLabel = "N",
            defaultValue = "1000000",
            description = "Examples, the first of them one for each model (default: ${DEFAULT-VALUE}).")
    private int examples;

    @Option(
            names = "--exponent",
            paramLabel = "S",
            defaultValue = "1",
            description = "Exponent of Zipf's law (default: ${DEFAULT-VALUE}).")
    private double exponent;

    @Option(
            names = "--optimizer",
            paramLabel = "NAME",
            defaultValue = "dykaf",
            description = "At its default knobs (default: ${DEFAULT-VALUE}).")
    private String optimizer;

    @Option(
            names = "--memory",
            paramLabel = "MIB",
            defaultValue = "2048",
            description = "MiB of the TaskManager's process, all included (default: ${DEFAULT-VALUE}).")
    private int memory;

    @Option(
            names = "--cache",
            paramLabel = "MIB",
            defaultValue = "448",
            description = "MiB of models that stay in memory (default: ${DEFAULT-VALUE}).")
    private int cache;

    @Mixin
    private BenchOutput output;

    @Override
    public Integer call() throws Exception {
        Path dir = Files.createTempDirectory("kronstream-models");
        Outcome outcome;
        long peakBytes;
        Load load = new Load(
                models,
                examples,
                exponent,
                optimizer,
                (long) cache * MEBIBYTE,
                dir.resolve("checkpoints").toUri().toString());
        try (ProcessFlinkCluster cluster = ProcessFlinkCluster.startOne(dir.resolve("cluster"), memory)) {
            outcome = ModelsBenchmark.run(cluster.restAddress(), load);
            peakBytes = peakResidentBytes(cluster.taskManagerPid(0));
        } finally {
            FileUtils.deleteDirectoryQuietly(dir.toFile());
        }
        boolean equal = ModelsBenchmark.expected(load).equals(outcome.digests());
        tell(outcome, peakBytes, equal);
        if (!equal) {
            throw new JobFailure("Models that had left the cache differ from learners that never left memory");
        }
        return ExitStatus.DONE;
    }

    private void tell(Outcome outcome, long peakBytes, boolean equal) {
        double rate = examples / outcome.seconds();
        ObjectNode measured = JsonNodeFactory.instance
                .objectNode()
                .put("models", models)
                .put("examples", examples)
                .put("exponent", exponent)
                .put("optimizer", optimizer)
                .put("memory_mebibytes", memory)
                .put("cache_mebibytes", cache)
                .put("seconds", outcome.seconds())
                .put("examples_per_second", rate)
                .put("steps", outcome.steps())
                .put("evictions", outcome.evictions())
                .put("misses", outcome.misses())
                .put("peak_resident_bytes", peakBytes)
                .put("digests_equal", equal);
        output.tell(
                measured,
                String.format(
                        Locale.ROOT,
                        "%,d models of 16-32-1 with %s, %,d examples in %.1f s: %,.0f a second, %,d steps%n"
                                + "cache %d MiB: %,d misses, %,d evictions%n"
                                + "TaskManager of %d MiB: %,d MiB resident at most%n"
                                + "every digest equals that of a learner that never left memory: %s",
                        models,
                        optimizer,
                        examples,
                        outcome.seconds(),
                        rate,
                        outcome.steps(),
                        cache,
                        outcome.misses(),
                        outcome.evictions(),
                        memory,
                        peakBytes / MEBIBYTE,
                        equal ? "yes" : "no"));
    }

    /** The most memory the process has had, as Linux counts it; -1 elsewhere. */
    private static long peakResidentBytes(long pid) throws IOException {
        Path status = Path.of("/proc", Long.toString(pid), "status");
        if (!Files.isReadable(status)) {
            return -1;
        }
        for (String line : Files.readAllLines(status)) {
            if (line.startsWith("VmHWM:")) {
                return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return -1;
    }
}
