// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every optimizer is on one page of docs/optimizers, with the knobs of the registry. With the environment variable
 * KRONSTREAM_REWRITE_DOCS=1 the tables of knobs are rewritten instead.
 */
class OptimizerPagesTest {
    private static final Path PAGES = Path.of(System.getProperty("kronstream.root"), "docs/optimizers");
    private static final Pattern TABLE =
            Pattern.compile("<!-- knobs( around)?: ([a-z, -]+?) -->\n(.*?)<!-- end -->", Pattern.DOTALL);
    private static final boolean REWRITE = "1".equals(System.getenv("KRONSTREAM_REWRITE_DOCS"));

    @Test
    void everyOptimizerIsOnAPageWithItsKnobs() throws IOException {
        List<String> documented = new ArrayList<>();
        for (Path page : pages()) {
            String text = Files.readString(page);
            StringBuilder rewritten = new StringBuilder();
            Matcher table = TABLE.matcher(text);
            while (table.find()) {
                boolean around = table.group(1) != null;
                String[] names = table.group(2).split(", ");
                String expected = table(around ? Optimizers.knobsAround(names[0]) : Optimizers.ownKnobs(names[0]));
                if (!REWRITE) {
                    assertThat(table.group(3))
                            .as("knobs of %s on %s", names[0], page)
                            .isEqualTo(expected);
                }
                for (String name : names) {
                    assertThat(around ? expected : table(Optimizers.ownKnobs(name)))
                            .as("%s shares a table with %s", name, names[0])
                            .isEqualTo(expected);
                }
                if (!around) {
                    documented.addAll(List.of(names));
                }
                String marker = text.substring(table.start(), table.start(3));
                table.appendReplacement(rewritten, Matcher.quoteReplacement(marker + expected + "<!-- end -->"));
            }
            table.appendTail(rewritten);
            if (REWRITE) {
                Files.writeString(page, rewritten);
            }
        }
        assertThat(documented).containsExactlyInAnyOrderElementsOf(Optimizers.names());
    }

    private static List<Path> pages() throws IOException {
        try (Stream<Path> files = Files.list(PAGES)) {
            return files.filter(file -> file.toString().endsWith(".md"))
                    .sorted()
                    .toList();
        }
    }

    private static String table(List<Knob<?>> knobs) {
        StringBuilder table = new StringBuilder("\n| knob | default | range | what it does |\n|---|---|---|---|\n");
        for (Knob<?> knob : knobs) {
            table.append("| `")
                    .append(knob.name())
                    .append("` | ")
                    .append(knob.defaultText())
                    .append(" | ")
                    .append(knob.range())
                    .append(" | ")
                    .append(knob.description())
                    .append(" |\n");
        }
        return table.append('\n').toString();
    }
}
