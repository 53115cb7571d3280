// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.TopicSettings;
import io.kronstream.connectors.csv.CsvFile;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFile;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.JobTopics;
import io.kronstream.jobs.demo.Dataset;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kronstream replay}. */
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Sends a data set to the examples topic of a job, row by row and each exactly once, until its end or Ctrl-C.",
            "Topics that are missing are created."
        })
final class ReplayCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "NAME|FILE",
            description = "A built-in stream (sea, hyperplane, sea-keys) or a CSV file with a header line, plain or"
                    + " compressed by gzip. Its columns must be the job's.")
    private String dataset;

    @Option(
            names = "--job",
            paramLabel = "job.yaml",
            required = true,
            description = "The job, which names the broker, the topics and the columns.")
    private Path file;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "An option in place of the file's. Repeatable.")
    private Map<String, String> overrides = Map.of();

    @Option(names = "--examples", paramLabel = "N", description = "End after so many rows (default: all).")
    private long examples = Long.MAX_VALUE;

    @Option(
            names = "--rate",
            paramLabel = "N",
            description = "Rows per second at most (default: as many as the broker takes).")
    private double rate;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Seed of a built-in stream (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    @Override
    public Integer call() throws Exception {
        if (examples < 1) {
            throw new InvalidSettingsException("--examples", List.of("must be at least 1, was " + examples));
        }
        if (!(rate >= 0)) {
            throw new InvalidSettingsException("--rate", List.of("must not be negative, was " + rate));
        }
        JobSettings job = JobFile.read(file, overrides);
        Dataset data = data(job.learner().schema());
        try (TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            admin.ensure(job.topics(), TopicSettings.of(JobTopics.partitions(job), job.parallelism()));
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("Sending " + dataset + " to topic " + job.topics().examples() + " at "
                + job.kafka().bootstrap());
        out.flush();
        try (FileReplay replay = new FileReplay(
                job.kafka(),
                job.topics().examples(),
                job.learner().schema(),
                job.model(),
                job.learner().mode())) {
            Interrupt.on(replay::stop);
            replay.replay(data.rows(seed, examples), rate);
            out.printf("Sent %,d rows%n", replay.sent());
            out.flush();
        }
        return ExitStatus.DONE;
    }

    /** The rows, of which it is certain that they have the job's columns. */
    private Dataset data(DataSchema schema) {
        Dataset data;
        List<String> columns;
        if (BuiltInStreams.names().contains(dataset)) {
            data = Dataset.named(dataset, null);
            columns = data.schema().columns();
        } else if (Files.isRegularFile(Path.of(dataset))) {
            CsvFile csv = CsvFile.open(Path.of(dataset));
            data = new Dataset.Recorded(csv, schema);
            columns = csv.header();
        } else {
            throw new InvalidSettingsException(
                    dataset,
                    List.of("is neither a file nor a built-in stream; these are "
                            + String.join(", ", BuiltInStreams.names())));
        }
        if (!columns.equals(schema.columns())) {
            throw new InvalidSettingsException(
                    dataset,
                    List.of("has the columns " + String.join(", ", columns) + ", but those of the job are "
                            + String.join(", ", schema.columns())));
        }
        return data;
    }
}
