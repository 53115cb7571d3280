// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kronstream bench}. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "WHAT",
        description = "Measures how fast this machine learns.",
        subcommands = {
            BenchStepCommand.class,
            BenchPipelineCommand.class,
            BenchCheckpointCommand.class,
            BenchModelsCommand.class
        })
final class BenchCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name what to measure: step, pipeline, checkpoint or models");
    }
}
