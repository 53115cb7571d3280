// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.savepoint.Savepoint;
import io.kronstream.learner.LearnerLayout;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kronstream state show}. */
@Command(
        name = "show",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Prints the models of a savepoint or retained checkpoint: how far they are, and their tensors with norms",
            "and, of symmetric ones, condition numbers. Needs neither the job's file nor its topics."
        })
final class StateShowCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "SAVEPOINT", description = "Path or URI of the savepoint or checkpoint.")
    private String path;

    @Option(names = "--model", paramLabel = "ID", description = "The only model to print.")
    private String model;

    @Option(names = "--json", description = "Answers in JSON.")
    private boolean json;

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    @Override
    public Integer call() throws JobFailure {
        Savepoint savepoint = Savepoint.open(path);
        List<LearnerLayout> layouts = savepoint.layouts();
        List<JsonNode> models = savepoint.models(layouts, model);
        if (model != null && models.isEmpty()) {
            throw new JobFailure("There is no model '" + model + "' in " + path);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            ObjectNode answer = JSON.createObjectNode();
            ObjectNode configurations = answer.putObject("configurations");
            for (LearnerLayout layout : layouts) {
                ObjectNode structure = configurations.putObject(layout.digest());
                layout.structure().forEach(structure::put);
            }
            answer.putArray("models").addAll(models);
            out.println(answer);
        } else {
            layouts.forEach(layout -> print(layout, out));
            models.forEach(report -> print(report, out));
        }
        out.flush();
        return ExitStatus.DONE;
    }

    private static void print(LearnerLayout layout, PrintWriter out) {
        out.println("Configuration " + layout.digest());
        layout.structure().forEach((key, value) -> out.printf(Locale.ROOT, "  %-36s %s%n", key, value));
    }

    private static void print(JsonNode report, PrintWriter out) {
        out.println();
        out.printf(
                Locale.ROOT,
                "Model %s: %,d steps, %,d examples, version %d (of step %,d)%s%n",
                report.path("model").asText(),
                report.path("step").asLong(),
                report.path("examples").asLong(),
                report.path("version").asLong(),
                report.path("publishedStep").asLong(),
                report.path("finished").asBoolean() ? ", its stream has ended" : "");
        out.println("  configuration    " + report.path("configuration").asText());
        out.println("  digest           " + report.path("digest").asText());
        out.println("  numerics         " + report.path("fingerprint").asText());
        out.println("  trained through  " + offsets(report.path("trainedThrough")));
        out.println("  failed refreshes " + report.path("failedRefreshes").asLong());
        out.printf(Locale.ROOT, "  %-32s %13s %12s %12s %12s%n", "tensor", "shape", "bytes", "norm", "condition");
        for (JsonNode tensor : report.path("tensors")) {
            out.printf(
                    Locale.ROOT,
                    "  %-32s %13s %,12d %12.5g %12s%n",
                    tensor.path("name").asText(),
                    tensor.path("rows").asInt() + " x " + tensor.path("columns").asInt(),
                    tensor.path("bytes").asLong(),
                    tensor.path("norm").asDouble(),
                    condition(tensor));
        }
        out.printf(
                Locale.ROOT,
                "  %-32s %13s %,12d%n",
                "all",
                "",
                report.path("bytes").asLong());
    }

    private static String condition(JsonNode tensor) {
        if (!tensor.path("symmetric").asBoolean()) {
            return "";
        }
        JsonNode condition = tensor.path("conditionNumber");
        return condition.isNull() ? "singular" : String.format(Locale.ROOT, "%.4g", condition.asDouble());
    }

    private static String offsets(JsonNode trainedThrough) {
        StringBuilder text = new StringBuilder();
        trainedThrough.properties().forEach(entry -> text.append(text.isEmpty() ? "" : ", ")
                .append("partition ")
                .append(entry.getKey())
                .append(" offset ")
                .append(entry.getValue().asLong()));
        return text.isEmpty() ? "nothing" : text.toString();
    }
}
