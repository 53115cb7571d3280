// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Settings that cannot be used, with everything that is wrong about them. The message is fit for the user. */
public final class InvalidSettingsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String source;
    private final ArrayList<String> problems;

    /**
     * @param source the file or command that gave the settings
     * @param problems one sentence each, at least one
     */
    public InvalidSettingsException(String source, List<String> problems) {
        super(source + ": " + String.join("; ", problems));
        this.source = source;
        this.problems = new ArrayList<>(problems);
    }

    public List<String> problems() {
        return Collections.unmodifiableList(problems);
    }

    /** One line for each problem, with its source. */
    public List<String> lines() {
        return problems.stream().map(problem -> source + ": " + problem).toList();
    }
}
