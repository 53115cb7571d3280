// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.connectors.model.SafeTensors;
import io.kronstream.connectors.model.ServedVersion;
import io.kronstream.connectors.model.StoredModel;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.SchemaFile;
import io.kronstream.jobs.YamlFile;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Task;
import io.kronstream.network.LayerShape;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kronstream model}. */
@Command(
        name = "model",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "WHAT",
        description = "Reads published models: lists, shows and exports them, and predicts with them.",
        subcommands = {
            ModelCommand.ListModels.class,
            ModelCommand.Show.class,
            ModelCommand.Export.class,
            ModelCommand.Predict.class
        })
final class ModelCommand implements Runnable {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name what to do: list, show, export or predict");
    }

    /** {@code kronstream model list}. */
    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists the newest version of each model.")
    static final class ListModels implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private ModelsOption models;

        @Option(names = "--json", description = "One line of JSON for each model.")
        private boolean json;

        @Override
        public Integer call() throws JobFailure {
            PrintWriter out = spec.commandLine().getOut();
            try (ModelReader reader = models.open()) {
                for (ModelManifest newest : reader.newest().values()) {
                    out.println(
                            json
                                    ? JSON.createObjectNode()
                                            .put("model", newest.model())
                                            .put("version", newest.version())
                                            .put("step", newest.step())
                                            .put("examples", newest.examples())
                                            .put("payloadBytes", newest.payloadBytes())
                                            .put("modelDigest", newest.modelDigest())
                                            .toString()
                                    : String.format(
                                            "%s  version %d: %,d steps, %,d examples, %,d bytes",
                                            newest.model(),
                                            newest.version(),
                                            newest.step(),
                                            newest.examples(),
                                            newest.payloadBytes()));
                }
            }
            out.flush();
            return ExitStatus.DONE;
        }
    }

    /** Which version. */
    private static final class Which {
        @Mixin
        private ModelsOption models;

        @Option(names = "--model", paramLabel = "ID", description = "The model (default: the only one there is).")
        private String model;

        @Option(
                names = "--number",
                paramLabel = "N",
                description = "Its version (default: the newest; a compacted topic holds the last two).")
        private Long version;

        StoredModel find() throws JobFailure {
            return models.find(model, version);
        }
    }

    /** {@code kronstream model show}. */
    @Command(name = "show", mixinStandardHelpOptions = true, description = "Shows what a version is.")
    static final class Show implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private Which which;

        @Option(names = "--json", description = "Answers with the manifest, in JSON.")
        private boolean json;

        @Override
        public Integer call() throws JobFailure, JsonProcessingException {
            PrintWriter out = spec.commandLine().getOut();
            ModelManifest manifest = which.find().manifest();
            if (json) {
                out.println(JSON.readTree(manifest.json()).toPrettyString());
            } else {
                out.printf(
                        "Model %s, version %d: %,d steps, %,d examples%n",
                        manifest.model(), manifest.version(), manifest.step(), manifest.examples());
                out.printf(
                        "  trained through  %s%s%n", manifest.trainedThrough(), manifest.finished() ? ", the end" : "");
                out.printf("  mode             %s%n", manifest.mode());
                out.printf("  digest           %s%n", manifest.modelDigest());
                out.printf("  numerics         %s%n", manifest.fingerprint());
                out.printf(
                        "  payload          %,d bytes in %d chunks%n",
                        manifest.payloadBytes(), manifest.chunks().size());
                if (manifest.learner() != null) {
                    out.printf("  learner          %s%n", manifest.learner());
                }
            }
            out.flush();
            return ExitStatus.DONE;
        }
    }

    /** {@code kronstream model export}. */
    @Command(
            name = "export",
            mixinStandardHelpOptions = true,
            description = {
                "Writes a version to a safetensors file, with all that is needed to predict.",
                "docs/reference/topics.md says what is in it."
            })
    static final class Export implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Parameters(paramLabel = "FILE", description = "The file to write, such as model.safetensors.")
        private Path file;

        @Mixin
        private Which which;

        @Override
        public Integer call() throws JobFailure, IOException {
            StoredModel stored = which.find();
            try (ServedVersion version = new ServedVersion(stored)) {
                Map<String, String> yaml = new TreeMap<>();
                yaml.put(
                        "schema",
                        YamlFile.text(
                                SchemaFile.write(version.manifest().learner().schema())));
                yaml.put("network", network(version));
                Files.write(file, SafeTensors.write(version, stored, yaml));
            }
            spec.commandLine()
                    .getOut()
                    .println("Wrote " + stored.manifest().model() + " version "
                            + stored.manifest().version() + " to " + file);
            return ExitStatus.DONE;
        }

        private static String network(ServedVersion version) {
            ObjectNode network = YamlFile.mapping();
            network.put("layers", version.manifest().learner().network().text());
            var shapes = network.putArray("parameters");
            for (LayerShape shape : version.model().shapes()) {
                shapes.addObject().put("rows", shape.rows()).put("columns", shape.columns());
            }
            return YamlFile.text(network);
        }
    }

    /** {@code kronstream model predict}. */
    @Command(
            name = "predict",
            mixinStandardHelpOptions = true,
            description = {
                "Predicts: reads lines of JSON, the columns of the schema by name, and answers each with a line of JSON.",
                "A line that cannot be read is answered with an error; the exit status is then 1."
            })
    static final class Predict implements Callable<Integer> {
        private static final ObjectMapper NUMBERS = new ObjectMapper().disable(SerializationFeature.INDENT_OUTPUT);

        @Spec
        private CommandSpec spec;

        @Parameters(paramLabel = "FILE", arity = "0..1", description = "The lines (default: standard input).")
        private Path file;

        @Mixin
        private Which which;

        @Override
        public Integer call() throws JobFailure, IOException {
            if (file != null && !Files.isReadable(file)) {
                throw new InvalidSettingsException(
                        "predict", List.of("there is no file '" + file + "' that can be read"));
            }
            PrintWriter out = spec.commandLine().getOut();
            boolean allWell = true;
            try (ServedVersion version = new ServedVersion(which.find());
                    BufferedReader lines = file == null
                            ? new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))
                            : Files.newBufferedReader(file)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.isBlank()) {
                        continue;
                    }
                    ObjectNode answer = NUMBERS.createObjectNode()
                            .put("model", version.manifest().model())
                            .put("version", version.manifest().version());
                    try {
                        DataSchema schema = version.manifest().learner().schema();
                        Map<String, String> row = row(line);
                        double prediction = version.predict(row);
                        if (schema.task() == Task.CLASSIFICATION) {
                            answer.put("prediction", schema.classes().get((int) prediction));
                            ObjectNode probabilities = answer.putObject("probabilities");
                            version.probabilities(row).forEach(probabilities::put);
                        } else if (Double.isNaN(prediction)) {
                            answer.putNull("prediction");
                        } else {
                            answer.put("prediction", prediction);
                        }
                    } catch (IllegalArgumentException e) {
                        answer.put("error", e.getMessage());
                        allWell = false;
                    }
                    out.println(answer);
                }
            }
            out.flush();
            return allWell ? ExitStatus.DONE : ExitStatus.FAILED;
        }

        private static Map<String, String> row(String line) {
            JsonNode node;
            try {
                node = NUMBERS.readTree(line);
            } catch (JsonProcessingException e) {
                throw new IllegalArgumentException("The line is not JSON: " + e.getOriginalMessage());
            }
            if (!node.isObject()) {
                throw new IllegalArgumentException("The line is not a JSON object, but " + node.getNodeType());
            }
            Map<String, String> row = new HashMap<>();
            node.properties().forEach(field -> {
                if (field.getValue().isContainerNode()) {
                    throw new IllegalArgumentException("Column '" + field.getKey() + "' is not a single value");
                }
                if (!field.getValue().isNull()) {
                    row.put(field.getKey(), field.getValue().asText());
                }
            });
            return row;
        }
    }
}
