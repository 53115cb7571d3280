// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The table of optimizers in the documentation says what the registry says. */
class OptimizerDocumentationTest {
    private static final Path PAGE = Path.of(System.getProperty("kronstream.root"), "docs/reference/optimizers.md");
    private static final Pattern ROW = Pattern.compile("\\| `([a-z0-9-]+)` \\| (.*) \\|");
    private static final Pattern KNOB = Pattern.compile("`([a-z0-9-]+)` ([^,]+)");
    private static final int CELLS_AFTER_THE_NAME = 6;
    private static final int KNOBS = 2;

    private static List<MatchResult> rows;

    @BeforeAll
    static void read() throws IOException {
        rows = Files.readAllLines(PAGE).stream()
                .flatMap(line -> ROW.matcher(line).results())
                .toList();
    }

    static List<String> names() {
        return Optimizers.names();
    }

    @Test
    void everyOptimizerHasOneRowInTheOrderOfTheRegistry() {
        assertThat(rows).extracting(row -> row.group(1)).containsExactlyElementsOf(Optimizers.names());
    }

    @ParameterizedTest
    @MethodSource("names")
    void knobsAndDefaultsAreThoseOfTheRegistry(String name) {
        List<String> cells = rows.stream()
                .filter(row -> row.group(1).equals(name))
                .map(row -> List.of(row.group(2).split(" \\| ", -1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError(name + " is missing in " + PAGE));
        assertThat(cells).hasSize(CELLS_AFTER_THE_NAME).noneMatch(String::isBlank);
        List<Knob<?>> knobs = Optimizers.ownKnobs(name);
        String registered = knobs.stream()
                .map(knob -> "`" + knob.name() + "` " + knob.defaultText())
                .collect(Collectors.joining(", "));

        List<MatchResult> documented = KNOB.matcher(cells.get(KNOBS)).results().toList();
        assertThat(documented)
                .as("knobs of %s, which are %s", name, registered)
                .extracting(knob -> knob.group(1))
                .containsExactlyElementsOf(knobs.stream().map(Knob::name).toList());
        for (int i = 0; i < knobs.size(); i++) {
            assertThat(knobs.get(i).normalise(documented.get(i).group(2)))
                    .as("default of %s of %s", knobs.get(i), name)
                    .isEqualTo(knobs.get(i).defaultText());
        }
    }
}
