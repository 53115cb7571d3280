// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.TopicSettings;
import io.kronstream.connectors.csv.CsvFile;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.connectors.example.Pace;
import io.kronstream.connectors.format.FormatSettings;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFile;
import io.kronstream.jobs.JobOptions;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.JobTopics;
import io.kronstream.jobs.demo.Dataset;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
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
            "Sends a data set to Kafka, row by row and each exactly once, until its end or Ctrl-C: with --job to the",
            "examples topic of a job, which is created where it is missing; else to --topic at --bootstrap."
        })
final class ReplayCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "NAME|FILE",
            description = "A built-in stream (sea, hyperplane, sea-keys) or a CSV file with a header line, plain or"
                    + " compressed by gzip. With --job its columns must be the job's.")
    private String dataset;

    @Option(
            names = "--job",
            paramLabel = "job.yaml",
            description = "The job, which names the broker, the topic, the columns, the key and the time.")
    private Path file;

    @Option(names = "--bootstrap", paramLabel = "HOST:PORT", description = "Brokers to send to, without --job.")
    private String bootstrap;

    @Option(names = "--topic", paramLabel = "TOPIC", description = "The topic to send to, which must exist.")
    private String topic;

    @Option(
            names = "--property",
            paramLabel = "KEY=VALUE",
            description = "A property of the Kafka clients, such as security settings. Repeatable.")
    private Map<String, String> properties = Map.of();

    @Option(
            names = "--key",
            paramLabel = "COLUMN",
            description = "Without --job: the column that becomes the records' key (default: none; rows go to the"
                    + " partitions in turn).")
    private String key;

    @Option(
            names = "--time",
            paramLabel = "COLUMN",
            description =
                    "Without --job: the column that becomes the records' timestamp (default: a second more for each"
                            + " row).")
    private String time;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "An option in place of the file's. Repeatable.")
    private Map<String, String> overrides = Map.of();

    @Option(names = "--examples", paramLabel = "N", description = "End after so many rows (default: all).")
    private long examples = Long.MAX_VALUE;

    @Option(
            names = "--rate",
            paramLabel = "N/s",
            description = "Rows per second at most (default: as many as the broker takes).")
    private String rate;

    @Option(
            names = "--speedup",
            paramLabel = "X",
            description = "Keeps the distances between the rows' own times, X times faster (1 for as it was).")
    private double speedup;

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
        if (!(speedup >= 0)) {
            throw new InvalidSettingsException("--speedup", List.of("must not be negative, was " + speedup));
        }
        Pace pace = new Pace(rate(), speedup);
        if (file == null) {
            return sendToTopic(pace);
        }
        for (String option : new String[] {bootstrap, topic, key, time}) {
            if (option != null) {
                throw new InvalidSettingsException(
                        "--job",
                        List.of("excludes --bootstrap, --topic, --key and --time: the job's file says it all"));
            }
        }
        JobSettings job = JobFile.read(file, overrides);
        if (job.input().format().name() != FormatSettings.Name.CSV) {
            throw new InvalidSettingsException(
                    file.toString(),
                    List.of("'" + JobOptions.FORMAT.key() + "' is not 'csv', and rows are sent as they are: as csv"));
        }
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
            send(replay, data.rows(seed, examples), pace);
        }
        return ExitStatus.DONE;
    }

    private int sendToTopic(Pace pace) {
        if (bootstrap == null || topic == null) {
            throw new InvalidSettingsException(
                    "replay", List.of("says where to send to by --job job.yaml, or by --bootstrap and --topic"));
        }
        List<String> columns;
        Iterator<byte[]> rows;
        if (BuiltInStreams.names().contains(dataset)) {
            Dataset data = Dataset.named(dataset, null);
            columns = data.schema().columns();
            rows = data.rows(seed, examples);
        } else {
            CsvFile csv = CsvFile.open(Path.of(dataset));
            columns = csv.header();
            rows = csv.rows(examples);
        }
        requireColumn("--key", key, columns);
        requireColumn("--time", time, columns);
        KafkaSettings kafka = new KafkaSettings(bootstrap, properties);
        try (FileReplay replay = new FileReplay(kafka, topic, columns, key, time)) {
            send(replay, rows, pace);
        }
        return ExitStatus.DONE;
    }

    private void send(FileReplay replay, Iterator<byte[]> rows, Pace pace) {
        PrintWriter out = spec.commandLine().getOut();
        Interrupt.on(replay::stop);
        replay.replay(rows, pace);
        out.printf("Sent %,d rows%n", replay.sent());
        out.flush();
    }

    private static void requireColumn(String option, String column, List<String> columns) {
        if (column != null && !columns.contains(column)) {
            throw new InvalidSettingsException(
                    option,
                    List.of("names the unknown column '" + column + "'; the columns are "
                            + String.join(", ", columns)));
        }
    }

    /** Rows per second, with or without {@code /s}; 0 for no bound. */
    private double rate() {
        if (rate == null) {
            return 0;
        }
        try {
            double number = Double.parseDouble(rate.endsWith("/s") ? rate.substring(0, rate.length() - 2) : rate);
            if (number >= 0 && !Double.isInfinite(number)) {
                return number;
            }
        } catch (NumberFormatException e) {
            // the same sentence says what is wrong
        }
        throw new InvalidSettingsException(
                "--rate", List.of("must be rows per second, such as 500 or 500/s, was '" + rate + "'"));
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
