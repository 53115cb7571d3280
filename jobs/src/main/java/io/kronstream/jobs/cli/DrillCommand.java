// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import io.kronstream.connectors.Delivery;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobOptions;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.demo.Dataset;
import io.kronstream.jobs.drill.Drill;
import io.kronstream.jobs.drill.DrillReport;
import io.kronstream.jobs.drill.DrillSettings;
import io.kronstream.jobs.drill.Soak;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.util.TimeUtils;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kronstream drill}. */
@Command(
        name = "drill",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Proves that a crash costs nothing: runs the job twice on the same stream with real processes, once"
                    + " undisturbed and once while TaskManagers, the JobManager and the broker are killed with 'kill -9',"
                    + " compares every published version, score and dead letter, and learns the same again without"
                    + " Flink.",
            "Exit status 0 if everything is identical and verified, 1 if not."
        })
final class DrillCommand implements Callable<Integer> {
    private static final String ORDERED = "ordered";
    private static final String ARRIVAL = "arrival";
    private static final String BOTH = "both";
    private static final String MODE = "mode";
    private static final long LEAST_EXAMPLES = 60_000;
    private static final long EXAMPLES_PER_KILL = 20_000;
    private static final long DEFAULT_CHECKPOINT_MILLIS = 1000;
    /** Little, so that a stream that comes faster than it is learned waits in Kafka and not in the learner. */
    private static final String PARKED = "1 mb";
    /** All of them, the small ones too, so that there is always one under way when something dies. */
    private static final String REMOTE = "remote";
    /** How often the job may fail for each kill: it does more than once when its first try meets what is still dead. */
    private static final int RESTARTS_PER_KILL = 20;
    /** Crashes of a soak that the job's restarts are planned for. */
    private static final long MAX_SOAK_CRASHES = 1000;
    /** Well below the five minutes for which whatever sends the stream tries again. */
    private static final Duration LONGEST_BROKER_DOWN = Duration.ofMinutes(3);
    /** Only there until the broker runs. */
    private static final String NO_BROKER_YET = "127.0.0.1:0";

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--kills",
            paramLabel = "N",
            defaultValue = "6",
            description = "Processes to kill (default: ${DEFAULT-VALUE}). Every kind of process is among three.")
    private int kills;

    @Option(
            names = "--broker-down",
            paramLabel = "DURATION",
            defaultValue = "0s",
            description = "How long a killed broker stays away, such as 60s, at most 3min (default: it is started again"
                    + " at once).")
    private String brokerDown;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Seed of the moments, the victims, the built-in stream and the first parameters (default:"
                    + " ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--dataset",
            paramLabel = "NAME|FILE",
            defaultValue = "sea-keys",
            description = "A built-in stream or a CSV file, as for 'demo' (default: ${DEFAULT-VALUE}, eight models).")
    private String dataset;

    @Option(
            names = "--schema",
            paramLabel = "FILE.yaml",
            description = "What the columns of the CSV file mean, as for 'demo'.")
    private Path schema;

    @Option(
            names = "--examples",
            paramLabel = "N",
            description = "Length of the stream (default: 20000 for each kill, at least 60000).")
    private Long examples;

    @Option(names = "--optimizer", paramLabel = "NAME", description = "Its name (default: dykaf).")
    private String optimizer;

    @Option(
            names = "--mode",
            paramLabel = "ordered|arrival|both",
            defaultValue = ORDERED,
            description = "ordered: each model learns from one partition, and the two runs must be equal. arrival: it"
                    + " learns from all, each example must be learned exactly once, and every version must follow from"
                    + " its journal (default: ${DEFAULT-VALUE}).")
    private String mode;

    @Option(
            names = "--partitions",
            paramLabel = "N",
            defaultValue = "4",
            description = "Partitions of the examples topic (default: ${DEFAULT-VALUE}).")
    private int partitions;

    @Option(
            names = "--taskmanagers",
            paramLabel = "N",
            defaultValue = "2",
            description = "TaskManager processes (default: ${DEFAULT-VALUE}).")
    private int taskManagers;

    @Option(
            names = "--parallelism",
            paramLabel = "N",
            description = "Subtasks of every operator (default: as many as there are partitions).")
    private Integer parallelism;

    @Option(
            names = "--checkpoint-interval",
            paramLabel = "MILLIS",
            description = "Time between two checkpoints (default: 1000).")
    private long checkpointInterval = DEFAULT_CHECKPOINT_MILLIS;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Any other option of a job, such as model.hidden=[64]. Repeatable.")
    private Map<String, String> others = Map.of();

    @Option(
            names = "--soak",
            paramLabel = "DURATION",
            description =
                    "Instead: lets the job run so long (such as 1h or 15min), with crashes, and writes down what a"
                            + " TaskManager uses that outlives them all: memory, classes, threads, open files.")
    private String soak;

    @Option(
            names = "--crash-every",
            paramLabel = "DURATION",
            defaultValue = "5min",
            description = "Time between two crashes of a soak (default: ${DEFAULT-VALUE}).")
    private String crashEvery;

    @Option(
            names = "--rate",
            paramLabel = "N",
            defaultValue = "0",
            description = "Most examples per second of a soak (default: as many as are learned).")
    private double rate;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description =
                    "Writes the report to this file, a line of JSON for each mode; of a soak, one for every ten seconds.")
    private Path json;

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        if (soak != null) {
            return soak(out);
        }
        List<DrillSettings> drills = new ArrayList<>();
        for (String each : mode.equals(BOTH) ? List.of(ORDERED, ARRIVAL) : List.of(mode)) {
            drills.add(settings(each));
        }
        boolean passed = true;
        StringBuilder reports = new StringBuilder();
        for (DrillSettings each : drills) {
            Drill drill = new Drill(each, out);
            Interrupt.on(drill::stop);
            DrillReport report = drill.run();
            out.print(System.lineSeparator() + report.text());
            out.flush();
            reports.append(report.json());
            passed &= report.identical() && report.verified();
            if (json != null) {
                Files.writeString(json, reports);
            }
        }
        return passed ? ExitStatus.DONE : ExitStatus.FAILED;
    }

    private int soak(PrintWriter out) throws IOException, InterruptedException, JobFailure {
        if (!(rate >= 0)) {
            throw new InvalidSettingsException("--rate", List.of("must not be negative, was " + rate));
        }
        Duration length = duration("--soak", soak);
        Duration pause = duration("--crash-every", crashEvery);
        kills = (int) Math.min(MAX_SOAK_CRASHES, length.dividedBy(pause));
        examples = Long.MAX_VALUE;
        try (PrintWriter samples =
                new PrintWriter(json == null ? Writer.nullWriter() : Files.newBufferedWriter(json), true)) {
            Soak run = new Soak(settings(ORDERED), length, pause, rate, out, samples);
            Interrupt.on(run::stop);
            run.run();
        }
        return ExitStatus.DONE;
    }

    private static Duration duration(String option, String text) {
        try {
            Duration duration = TimeUtils.parseDuration(text);
            if (duration.compareTo(Duration.ZERO) > 0) {
                return duration;
            }
        } catch (IllegalArgumentException e) {
            // The same complaint.
        }
        throw new InvalidSettingsException(option, List.of("must be a time such as 15min or 1h, was '" + text + "'"));
    }

    private Duration brokerDown() {
        try {
            Duration duration = TimeUtils.parseDuration(brokerDown);
            if (duration.compareTo(LONGEST_BROKER_DOWN) <= 0) {
                return duration;
            }
        } catch (IllegalArgumentException e) {
            // The same complaint.
        }
        throw new InvalidSettingsException(
                "--broker-down",
                List.of("must be a time such as 60s, at most " + LONGEST_BROKER_DOWN.toMinutes() + "min, was '"
                        + brokerDown + "'"));
    }

    /** Everything is checked here, before anything is started. */
    private DrillSettings settings(String chosen) {
        if (!List.of(ORDERED, ARRIVAL, BOTH).contains(mode)) {
            throw new InvalidSettingsException("--mode", List.of("is ordered, arrival or both, was '" + mode + "'"));
        }
        atLeast(0, kills, "--kills");
        atLeast(1, partitions, "--partitions");
        atLeast(1, taskManagers, "--taskmanagers");
        Duration down = brokerDown();
        long length = examples == null ? Math.max(LEAST_EXAMPLES, EXAMPLES_PER_KILL * kills) : examples;
        atLeast(1, length, "--examples");
        if (json != null
                && json.toAbsolutePath().getParent() != null
                && !Files.isDirectory(json.toAbsolutePath().getParent())) {
            throw new InvalidSettingsException(
                    "--json",
                    List.of("there is no directory '" + json.toAbsolutePath().getParent() + "'"));
        }
        Dataset data = Dataset.named(dataset, schema);
        OptionValues values = new OptionValues()
                .put(JobOptions.KAFKA_BOOTSTRAP, NO_BROKER_YET)
                .put(JobOptions.DELIVERY, Delivery.EXACTLY_ONCE.name().toLowerCase(Locale.ROOT))
                .put(JobOptions.OPTIMIZER, optimizer)
                .putMillis(JobOptions.CHECKPOINT_INTERVAL, checkpointInterval)
                .put(JobOptions.CHECKPOINT_TIMEOUT, "1 min")
                .put(JobOptions.PARALLELISM, parallelism == null ? partitions : parallelism)
                .put(JobOptions.SEED, seed)
                .put(JobOptions.RESTART_ATTEMPTS, RESTARTS_PER_KILL * (kills + 1))
                .put(JobOptions.REFRESH_PARKED, PARKED)
                .put(JobOptions.REFRESH_MODE, REMOTE)
                .put(MODE, chosen.equals(ORDERED) ? null : chosen)
                .putAll(others);
        return new DrillSettings(
                data,
                length,
                JobSettings.of("drill", values.values(), data.schema()),
                kills,
                seed,
                partitions,
                taskManagers,
                down);
    }

    private static void atLeast(long least, long value, String option) {
        if (value < least) {
            throw new InvalidSettingsException(option, List.of("must be at least " + least + ", was " + value));
        }
    }
}
