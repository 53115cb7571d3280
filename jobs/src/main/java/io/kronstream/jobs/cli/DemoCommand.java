// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobOptions;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.demo.Dataset;
import io.kronstream.jobs.demo.Demo;
import io.kronstream.jobs.demo.DemoSettings;
import io.kronstream.jobs.demo.Summary;
import io.kronstream.optimizers.Knobs;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kronstream demo}. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Learns a stream on this machine: starts a Kafka broker and a Flink cluster, streams examples, runs the job,"
                    + " shows how it does, and at the end learns the same again without Flink to verify it.",
            "Without --examples a built-in stream runs until Ctrl-C, a file to its end."
        })
final class DemoCommand implements Callable<Integer> {
    private static final long DEFAULT_CHECKPOINT_MILLIS = 1000;
    private static final int RESTART_ATTEMPTS = 3;
    /** Little, so that a stream that comes faster than it is learned waits in Kafka, and checkpoints go on to its end. */
    private static final String PARKED = "1 mb";
    /** Only there until the broker runs. */
    private static final String NO_BROKER_YET = "127.0.0.1:0";

    @Spec
    private CommandSpec spec;

    @Option(names = "--examples", paramLabel = "N", description = "End after so many examples.")
    private Long examples;

    @Option(
            names = "--dataset",
            paramLabel = "NAME|FILE",
            defaultValue = "sea",
            description = "A built-in stream (sea, hyperplane, sea-keys) or a CSV file with a header line, plain or"
                    + " compressed by gzip (default: ${DEFAULT-VALUE}).")
    private String dataset;

    @Option(
            names = "--schema",
            paramLabel = "FILE.yaml",
            description = "What the columns of the CSV file mean (default: X.schema.yaml or X.yaml beside X.csv, or the"
                    + " ready schema of that name: ETTh1, elec2, goodbooks_ratings, metro_traffic,"
                    + " us_flights_2015).")
    private Path schema;

    @Option(names = "--optimizer", paramLabel = "NAME", description = "Its name (default: dykaf).")
    private String optimizer;

    @Option(
            names = "--mode",
            paramLabel = "ordered|arrival",
            description = "arrival deals the stream to all partitions, and learns in the order of arrival"
                    + " (default: ordered).")
    private String mode;

    @Option(names = "--learning-rate", paramLabel = "RATE", description = "Step size (default: the optimizer's own).")
    private String learningRate;

    @Option(names = "--batch", paramLabel = "N", description = "Examples of a mini-batch (default: 32).")
    private String batch;

    @Option(
            names = "--batch-interval",
            paramLabel = "MILLIS",
            description = "Span of the records' own time that closes a mini-batch early (default: never).")
    private Long batchInterval;

    @Option(
            names = "--refresh",
            paramLabel = "auto|inline|remote",
            description = "Where eigenbases are refreshed (default: auto, small ones inline).")
    private String refresh;

    @Option(
            names = "--refresh-interval",
            paramLabel = "STEPS",
            description = "Steps between two refreshes (default: the optimizer's own).")
    private String refreshInterval;

    @Option(
            names = "--lag",
            paramLabel = "STEPS",
            description = "Steps between asking for a basis and using it (default: the refresh interval).")
    private String lag;

    @Option(
            names = "--refresh-delay",
            paramLabel = "MILLIS",
            description = "Fault injection: holds the answers of refreshes back, at random, up to this long.")
    private Long refreshDelay;

    @Option(
            names = "--publish-every",
            paramLabel = "STEPS",
            description = "Steps between two published versions (default: 100).")
    private String publishEvery;

    @Option(
            names = "--checkpoint-interval",
            paramLabel = "MILLIS",
            description = "Time between two checkpoints (default: 1000).")
    private long checkpointInterval = DEFAULT_CHECKPOINT_MILLIS;

    @Option(names = "--parallelism", paramLabel = "N", description = "Subtasks of every operator (default: 1).")
    private String parallelism;

    @Option(
            names = "--crash",
            description =
                    "Runs the TaskManager as a process of its own, kills it with 'kill -9' after a checkpoint in the"
                            + " middle of the stream, and starts another.")
    private boolean crash;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Seed of the built-in stream and of the first parameters (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Any other option of a job, such as model.hidden=[64]. Repeatable.")
    private Map<String, String> others = Map.of();

    @Option(
            names = "--port",
            paramLabel = "PORT",
            description =
                    "Port of Flink's dashboard, 0 for a free one (default: 8081, or a free one if that is taken).")
    private Integer port;

    @Option(names = "--no-ui", description = "Tells no dashboard address and takes any free port.")
    private boolean noUi;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the summary to this file, as JSON.")
    private Path json;

    @Option(
            names = "--keep",
            paramLabel = "DIR",
            description = "A new directory to leave the broker's data, the checkpoints and the job's file in, for"
                    + " 'kronstream verify --keep DIR'.")
    private Path keep;

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        Demo demo = new Demo(settings(), out);
        Interrupt.on(demo::stop);
        Summary summary = demo.run();
        out.print(System.lineSeparator() + summary.text());
        out.flush();
        if (json != null) {
            Files.writeString(json, summary.json());
        }
        return summary.verified() ? ExitStatus.DONE : ExitStatus.FAILED;
    }

    /** Everything is checked here, before anything is started. */
    private DemoSettings settings() {
        if (examples != null && examples < 1) {
            throw new InvalidSettingsException("--examples", List.of("must be at least 1, was " + examples));
        }
        if (port != null && (port < 0 || port > 65_535)) {
            throw new InvalidSettingsException("--port", List.of("must lie in [0, 65535], was " + port));
        }
        if (json != null
                && json.toAbsolutePath().getParent() != null
                && !Files.isDirectory(json.toAbsolutePath().getParent())) {
            throw new InvalidSettingsException(
                    "--json",
                    List.of("there is no directory '" + json.toAbsolutePath().getParent() + "'"));
        }
        if (keep != null) {
            Demo.requireEmpty(keep);
        }
        Dataset data = Dataset.named(dataset, schema);
        OptionValues values = new OptionValues()
                .put(JobOptions.JOB_NAME, "kronstream demo: " + data.name())
                .put(JobOptions.KAFKA_BOOTSTRAP, NO_BROKER_YET)
                .put(JobOptions.MODE, mode)
                .put(JobOptions.OPTIMIZER, optimizer)
                .put(JobOptions.keyOf(Knobs.LEARNING_RATE.name()), learningRate)
                .put(JobOptions.BATCH_SIZE, batch)
                .putMillis(JobOptions.BATCH_INTERVAL, batchInterval)
                .put(JobOptions.REFRESH_MODE, refresh)
                .put(JobOptions.REFRESH_INTERVAL, refreshInterval)
                .put(JobOptions.REFRESH_LAG, lag)
                .putMillis(JobOptions.REFRESH_DELAY, refreshDelay)
                .put(JobOptions.PUBLISH_EVERY, publishEvery)
                .putMillis(JobOptions.CHECKPOINT_INTERVAL, checkpointInterval)
                .put(JobOptions.PARALLELISM, parallelism)
                .put(JobOptions.SEED, seed)
                .put(JobOptions.RESTART_ATTEMPTS, RESTART_ATTEMPTS)
                .put(JobOptions.REFRESH_PARKED, PARKED)
                .putAll(others);
        return new DemoSettings(
                data,
                examples == null ? OptionalLong.empty() : OptionalLong.of(examples),
                JobSettings.of("demo", values.values(), data.schema()),
                seed,
                crash,
                !noUi,
                port == null ? OptionalInt.empty() : OptionalInt.of(port),
                keep);
    }
}
