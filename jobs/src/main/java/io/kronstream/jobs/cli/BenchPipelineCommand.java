// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.bench.PipelineBenchmark;
import io.kronstream.jobs.bench.PipelineCase;
import io.kronstream.jobs.bench.PipelineMeasurement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code kronstream bench pipeline}. */
@Command(
        name = "pipeline",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Times a whole job, from its topic to learned models, on a Kafka broker and a Flink cluster of its own, and"
                    + " compares it with the bare learner.",
            "docs/performance.md says what the numbers mean."
        })
final class BenchPipelineCommand implements Callable<Integer> {
    @Option(
            names = "--cases",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "recommender,logistic",
            description = "Streams and models (default: ${DEFAULT-VALUE}).")
    private List<String> cases;

    @Option(
            names = "--slots",
            paramLabel = "N",
            split = ",",
            defaultValue = "1,2",
            description = "Slots of the job (default: ${DEFAULT-VALUE}).")
    private List<Integer> slots;

    @Option(
            names = "--records",
            paramLabel = "N",
            description = "Lines that are timed (default: 240000 of recommender, 4000000 of logistic).")
    private Long records;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            description = "Lines before them (default: 240000 of recommender, 8000000 of logistic).")
    private Long warmUp;

    @Option(
            names = "--broken",
            paramLabel = "SHARE",
            split = ",",
            defaultValue = "0",
            description = "Shares of the lines that cannot be decoded (default: ${DEFAULT-VALUE}).")
    private List<Double> broken;

    @Mixin
    private BenchOutput output;

    @Override
    public Integer call() throws Exception {
        List<PipelineCase> chosen = check();
        output.head(String.format(
                "%-12s %-10s %5s %10s %7s %9s %9s %12s %14s %6s",
                "case",
                "optimizer",
                "slots",
                "records",
                "broken",
                "seconds",
                "cpu s",
                "records/s",
                "bare learner/s",
                "share"));
        for (PipelineCase benchCase : chosen) {
            for (double share : broken) {
                PipelineBenchmark.Load load = new PipelineBenchmark.Load(
                        records == null ? benchCase.records() : records,
                        warmUp == null ? benchCase.warmUp() : warmUp,
                        share);
                PipelineBenchmark.measure(benchCase, slots, load, measured -> output.tell(measured, row(measured)));
            }
        }
        return ExitStatus.DONE;
    }

    private List<PipelineCase> check() {
        List<String> problems = new ArrayList<>();
        List<PipelineCase> chosen = new ArrayList<>();
        for (String name : cases) {
            PipelineCase.ALL.stream()
                    .filter(known -> known.name().equals(name))
                    .findFirst()
                    .ifPresentOrElse(
                            chosen::add,
                            () -> problems.add("unknown case '" + name + "'; known are "
                                    + String.join(", ", PipelineCase.names())));
        }
        for (int count : slots) {
            if (count < 1 || count > 64) {
                problems.add("--slots must lie in [1, 64], was " + count);
            }
        }
        if (records != null && records < 1) {
            problems.add("--records must be at least 1, was " + records);
        }
        if (warmUp != null && warmUp < 0) {
            problems.add("--warm-up must not be negative, was " + warmUp);
        }
        for (double share : broken) {
            if (!(share >= 0 && share <= 1)) {
                problems.add("--broken must lie in [0, 1], was " + share);
            }
        }
        if (!problems.isEmpty()) {
            throw new InvalidSettingsException("bench pipeline", problems);
        }
        return chosen;
    }

    private static String row(PipelineMeasurement measured) {
        return String.format(
                Locale.ROOT,
                "%-12s %-10s %5d %10d %7.2f %9.1f %9.1f %12.0f %14.0f %5.0f%%",
                measured.benchCase(),
                measured.optimizer(),
                measured.slots(),
                measured.records(),
                measured.broken(),
                measured.seconds(),
                measured.cpuSeconds(),
                measured.recordsPerSecond(),
                measured.learnerExamplesPerSecond(),
                100 * measured.share());
    }
}
