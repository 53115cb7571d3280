// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.demo.Dataset;
import io.kronstream.jobs.race.Entrant;
import io.kronstream.jobs.race.Finish;
import io.kronstream.jobs.race.Race;
import io.kronstream.jobs.race.RacePicture;
import io.kronstream.jobs.race.RaceResult;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.OptimizerSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kronstream race}. */
@Command(
        name = "race",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Learns one stream with several optimizers, and shows how good each is after how much data and time.",
            "A linear model and the naive predictors are always in the picture. docs/quality.md shows results."
        })
final class RaceCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Of the linear model, which is trained by FTRL-Proximal: its best of these. */
    private static final List<Double> LINEAR_RATES = List.of(0.003, 0.01, 0.03, 0.1, 0.3, 1.0);

    private static final String LINEAR = "linear";

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--dataset",
            paramLabel = "NAME|FILE",
            defaultValue = "sea",
            description = "A built-in stream, or a CSV file with a schema beside it (default: ${DEFAULT-VALUE}).")
    private String dataset;

    @Option(names = "--schema", paramLabel = "FILE", description = "The CSV file's schema, if it is not beside it.")
    private Path schema;

    @Option(
            names = "--optimizers",
            paramLabel = "NAME[:KNOB=VALUE...]",
            split = ",",
            defaultValue = "adam,soap,dykaf,kfac",
            description = "Optimizers, with knobs that differ from the defaults (default: ${DEFAULT-VALUE}).")
    private List<String> optimizers;

    @Option(
            names = "--learning-rates",
            paramLabel = "RATE",
            split = ",",
            description = "Each optimizer is run with each of them, and its best counts (default: its own).")
    private List<Double> rates;

    @Option(
            names = "--hidden",
            paramLabel = "UNITS",
            split = ",",
            defaultValue = "128,64",
            description = "Units of each hidden layer (default: ${DEFAULT-VALUE}).")
    private List<Integer> hidden;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "32",
            description = "Examples of a mini-batch (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(
            names = "--examples",
            paramLabel = "N",
            defaultValue = "50000",
            description = "At most so many rows (default: ${DEFAULT-VALUE}).")
    private long examples;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Of the initial parameters and of a built-in stream (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--html", paramLabel = "FILE", description = "Writes a page with picture and table to this file.")
    private Path html;

    @Option(names = "--svg", paramLabel = "FILE", description = "Writes the picture alone to this file.")
    private Path svg;

    @Option(names = "--json", description = "One JSON document instead of the table.")
    private boolean json;

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    @Override
    public Integer call() throws IOException {
        Dataset data = Dataset.named(dataset, schema);
        List<Entrant> entrants = entrants(data.schema());
        Race race = new Race(data.name(), data.schema(), data.rows(seed, examples));
        PrintWriter out = spec.commandLine().getOut();
        if (!json) {
            out.println(race.size() + " rows of " + data.name());
            out.printf(Locale.ROOT, "%-20s %10s %12s %12s %9s%n", "learner", "rate", "whole", "last quarter", "CPU s");
        }
        RaceResult result = race.run(entrants, finish -> {
            if (!json) {
                out.println(row(finish));
                out.flush();
            }
        });
        write(result, out);
        return ExitStatus.DONE;
    }

    private void write(RaceResult result, PrintWriter out) throws IOException {
        if (html != null) {
            Files.writeString(html, RacePicture.html(result));
        }
        if (svg != null) {
            Files.writeString(svg, RacePicture.svg(result) + "\n");
        }
        if (json) {
            out.println(document(result));
            return;
        }
        out.printf(
                Locale.ROOT,
                "%-20s %10s %12.4f %12.4f%n%-20s %10s %12.4f %12.4f%n",
                "no-change",
                "",
                result.noChange(),
                result.noChangeLastQuarter(),
                "prior",
                "",
                result.prior(),
                result.priorLastQuarter());
        out.println();
        out.println("Best of each, by " + result.metric() + ":");
        result.best().forEach(finish -> out.println(row(finish)));
    }

    private static String document(RaceResult result) throws JsonProcessingException {
        return JSON.writeValueAsString(result);
    }

    private static String row(Finish finish) {
        return String.format(
                Locale.ROOT,
                "%-20s %10s %12.4f %12.4f %9.2f%s",
                finish.name(),
                Double.toString(finish.learningRate()),
                finish.loss(),
                finish.lossLastQuarter(),
                finish.cpuSeconds(),
                finish.rejectedBatches() > 0 ? "  " + finish.rejectedBatches() + " mini-batches refused" : "");
    }

    private List<Entrant> entrants(DataSchema dataSchema) {
        List<String> problems = new ArrayList<>();
        if (examples < 1) {
            problems.add("--examples must be at least 1, was " + examples);
        }
        List<Entrant> entrants = new ArrayList<>();
        for (String optimizer : optimizers) {
            String[] words = optimizer.split(":");
            OptimizerSettings settings = OptimizerSettings.defaults(words[0]);
            for (int i = 1; i < words.length; i++) {
                String[] knob = words[i].split("=", 2);
                settings = settings.with(knob[0], knob.length == 2 ? knob[1] : "");
            }
            if (!settings.problems().isEmpty()) {
                problems.addAll(settings.problems());
            } else if (rates == null) {
                add(entrants, optimizer, dataSchema, hidden, settings, problems);
            } else {
                for (double rate : rates) {
                    OptimizerSettings rated = settings.with(Knobs.LEARNING_RATE.name(), Double.toString(rate));
                    add(entrants, optimizer, dataSchema, hidden, rated, problems);
                }
            }
        }
        for (double rate : LINEAR_RATES) {
            OptimizerSettings ftrl = OptimizerSettings.defaults("ftrl").with(Knobs.LEARNING_RATE, rate);
            add(entrants, LINEAR, dataSchema, List.of(), ftrl, problems);
        }
        if (!problems.isEmpty()) {
            throw new InvalidSettingsException(
                    "race", problems.stream().distinct().toList());
        }
        return entrants;
    }

    private void add(
            List<Entrant> entrants,
            String name,
            DataSchema dataSchema,
            List<Integer> units,
            OptimizerSettings optimizer,
            List<String> problems) {
        if (!optimizer.problems().isEmpty()) {
            problems.addAll(optimizer.problems());
            return;
        }
        LearnerSettings settings = new LearnerSettings(
                dataSchema, units, Activation.RELU, optimizer, batch, 0, LearnerSettings.defaultLag(optimizer), seed);
        problems.addAll(settings.problems());
        entrants.add(new Entrant(name, optimizer.get(Knobs.LEARNING_RATE), settings));
    }
}
