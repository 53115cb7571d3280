// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How measurements are told. */
final class BenchOutput {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--json", description = "One line of JSON for each measurement.")
    private boolean json;

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    /** Says what the columns are, where people read them. */
    void head(String line) {
        if (!json) {
            tell(line);
        }
    }

    /**
     * Tells a measurement at once: the next one may take minutes.
     *
     * @param measured what it is in JSON
     * @param line what people read
     */
    void tell(Object measured, String line) {
        tell(json ? JSON.valueToTree(measured).toString() : line);
    }

    private void tell(String line) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(line);
        out.flush();
    }
}
