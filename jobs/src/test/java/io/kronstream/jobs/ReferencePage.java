// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A page of the documentation that a test keeps what the code says. With the environment variable {@value #REWRITE} the
 * page is rewritten in place of being compared.
 */
final class ReferencePage {
    static final String REWRITE = "KRONSTREAM_REWRITE_DOCS";

    private static final String END = "<!-- end -->";

    private final Path path;

    /** @param path from the root of the repository */
    ReferencePage(String path) {
        this.path = Path.of(System.getProperty("kronstream.root"), path);
    }

    String text() throws IOException {
        return Files.readString(path);
    }

    /** The whole page is this. */
    void says(String expected) throws IOException {
        if (System.getenv(REWRITE) != null) {
            Files.writeString(path, expected);
        }
        assertThat(text())
                .as("%s: run this test with %s=1 to rewrite it", path.getFileName(), REWRITE)
                .isEqualTo(expected);
    }

    /**
     * Between the line of a marker and the next {@value #END} there is this.
     *
     * @param marker a comment, with the end of its line
     */
    void says(String marker, String table) throws IOException {
        String page = text();
        int from = page.indexOf(marker);
        assertThat(from).as("%s has '%s'", path.getFileName(), marker.strip()).isNotNegative();
        from += marker.length();
        says(page.substring(0, from) + table + page.substring(page.indexOf(END, from)));
    }
}
