// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;

/**
 * What a command answered.
 *
 * @param status its exit status
 * @param out what it printed
 * @param err what it complained about
 */
record Words(int status, String out, String err) {

    /** Runs the command line in this process. */
    static Words of(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = Main.run(arguments, new PrintWriter(out, true), new PrintWriter(err, true));
        return new Words(status, out.toString(), err.toString());
    }

    /** The lines of its complaint. */
    List<String> complaints() {
        return err.lines().toList();
    }
}
