// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.embedded.BrokerCommand;
import io.kronstream.jobs.embedded.JobManagerCommand;
import io.kronstream.jobs.embedded.TaskManagerCommand;
import java.io.PrintWriter;
import java.util.Arrays;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/**
 * {@code kronstream}: the command line. What goes wrong is told in one sentence on the error stream; {@code --verbose}
 * adds the logs and the stack trace.
 */
@Command(
        name = "kronstream",
        description = "Keeps models learning from a stream: second-order online learning on Apache Flink and Kafka.",
        version = "kronstream 0.1.0-SNAPSHOT",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DemoCommand.class,
            VerifyCommand.class,
            RunCommand.class,
            ModelCommand.class,
            ControlCommand.class,
            ReplayCommand.class,
            DrillCommand.class,
            StateCommand.class,
            BenchCommand.class,
            RaceCommand.class,
            JobManagerCommand.class,
            TaskManagerCommand.class,
            BrokerCommand.class
        })
public final class Main {
    private static final String VERBOSE = "--verbose";

    private Main() {}

    public static void main(String[] arguments) {
        if (Arrays.asList(arguments).contains(VERBOSE)) {
            // Read once, by the first logger.
            System.setProperty("kronstream.log.level", "info");
            System.setProperty("kronstream.log.console", "info");
        }
        System.exit(run(arguments, new PrintWriter(System.out, true), new PrintWriter(System.err, true)));
    }

    /** Runs a command and returns its exit status. */
    static int run(String[] arguments, PrintWriter out, PrintWriter err) {
        boolean verbose = Arrays.asList(arguments).contains(VERBOSE);
        return new CommandLine(new Main())
                .setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setParameterExceptionHandler((misuse, words) -> misused(misuse))
                .setExecutionExceptionHandler((failure, command, result) -> failed(failure, command.getErr(), verbose))
                .setExecutionStrategy(parsed -> {
                    if (!parsed.hasSubcommand() && !parsed.isUsageHelpRequested() && !parsed.isVersionHelpRequested()) {
                        throw new ParameterException(parsed.commandSpec().commandLine(), "Name a command");
                    }
                    return new CommandLine.RunLast().execute(parsed);
                })
                .execute(arguments);
    }

    private static int misused(ParameterException misuse) {
        CommandLine command = misuse.getCommandLine();
        command.getErr()
                .println("kronstream: " + oneLine(misuse.getMessage()) + " (see '"
                        + command.getCommandSpec().qualifiedName() + " --help')");
        return ExitStatus.MISUSED;
    }

    private static int failed(Exception failure, PrintWriter err, boolean verbose) {
        if (verbose) {
            LoggerFactory.getLogger(Main.class).error("The command failed", failure);
        }
        if (failure instanceof InvalidSettingsException invalid) {
            for (String line : invalid.lines()) {
                err.println("kronstream: " + line);
            }
            return ExitStatus.MISUSED;
        }
        err.println("kronstream: " + oneLine(sentence(failure)));
        return ExitStatus.FAILED;
    }

    private static String sentence(Exception failure) {
        return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    }

    private static String oneLine(String text) {
        return String.join(" ", text.strip().lines().map(String::strip).toList());
    }
}
