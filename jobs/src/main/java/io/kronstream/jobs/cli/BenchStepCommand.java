// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.bench.BenchCase;
import io.kronstream.jobs.bench.BenchFlops;
import io.kronstream.jobs.bench.StepBenchmark;
import io.kronstream.jobs.bench.StepMeasurement;
import io.kronstream.optimizers.Optimizers;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kronstream bench step}. */
@Command(
        name = "step",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Times whole training steps on pseudo-random data, and compares them with the arithmetic that they need.",
            "docs/performance.md says what the numbers mean."
        })
final class BenchStepCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--cases",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "ae,rec,wide,small",
            description = "Networks (default: ${DEFAULT-VALUE}).")
    private List<String> cases;

    @Option(
            names = "--optimizers",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "sgd,adam,adafisher,shampoo,kfac,soap,dykaf",
            description = "Optimizers, at their default knobs; 'all' for every one (default: ${DEFAULT-VALUE}).")
    private List<String> optimizers;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "1",
            description = "Threads of matrix products (default: ${DEFAULT-VALUE}, as in a job).")
    private int threads;

    @Option(
            names = "--steps",
            paramLabel = "N",
            description =
                    "Steps, rounded up to whole refresh cycles (default: what takes about a second, at least 20).")
    private Integer steps;

    @Option(
            names = "--without-refresh",
            description = "Leaves out the time of computing refreshes, which in a job is another operator's.")
    private boolean withoutRefresh;

    @Option(names = "--json", description = "One line of JSON for each case and optimizer.")
    private boolean json;

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    @Override
    public Integer call() throws JsonProcessingException {
        List<BenchCase> chosen = check();
        PrintWriter out = spec.commandLine().getOut();
        if (!json) {
            out.printf(
                    Locale.ROOT,
                    "%-6s %-16s %10s %10s %10s %9s %9s %10s %6s %7s %9s  %s%n",
                    "case",
                    "optimizer",
                    "median ms",
                    "mean ms",
                    "cpu ms",
                    "GFLOP",
                    "GFLOP/s",
                    "of peak",
                    "",
                    "B/param",
                    "B alloc",
                    "gradient + rotation + factors + refresh + elementwise, ms");
        }
        StepBenchmark benchmark = new StepBenchmark(!withoutRefresh, threads);
        for (BenchCase benchCase : chosen) {
            for (String optimizer : optimizers) {
                StepMeasurement measured = benchmark.measure(benchCase, optimizer, steps);
                out.println(json ? JSON.writeValueAsString(measured) : row(measured));
                out.flush();
            }
        }
        return ExitStatus.DONE;
    }

    private List<BenchCase> check() {
        List<String> problems = new ArrayList<>();
        List<BenchCase> chosen = new ArrayList<>();
        for (String name : cases) {
            try {
                chosen.add(BenchCase.byName(name));
            } catch (IllegalArgumentException e) {
                problems.add(e.getMessage());
            }
        }
        List<String> known =
                Optimizers.names().stream().filter(BenchFlops::knows).toList();
        if (optimizers.equals(List.of("all"))) {
            optimizers = known;
        }
        for (String name : optimizers) {
            if (!known.contains(name)) {
                problems.add("unknown optimizer '" + name + "'; known are " + String.join(", ", known));
            }
        }
        int processors = Runtime.getRuntime().availableProcessors();
        if (threads < 1 || threads > processors) {
            problems.add("--threads must lie in [1, " + processors + "], was " + threads);
        }
        if (steps != null && steps < 1) {
            problems.add("--steps must be at least 1, was " + steps);
        }
        if (!problems.isEmpty()) {
            throw new InvalidSettingsException("bench step", problems);
        }
        return chosen;
    }

    private static String row(StepMeasurement measured) {
        return String.format(
                Locale.ROOT,
                "%-6s %-16s %10.3f %10.3f %10.3f %9.4f %9.1f %10.1f %5.0f%% %7.1f %9d  %.3f + %.3f + %.3f + %.3f + %.3f",
                measured.benchCase(),
                measured.optimizer(),
                measured.medianMs(),
                measured.meanMs(),
                measured.meanCpuMs(),
                measured.flops() / 1e9,
                measured.gflops(),
                measured.peakGflops(),
                100 * measured.efficiency(),
                measured.bytesPerParameter(),
                measured.allocatedBytesPerStep(),
                measured.gradientMs(),
                measured.rotationMs(),
                measured.factorsMs(),
                measured.refreshMs(),
                measured.elementwiseMs());
    }
}
