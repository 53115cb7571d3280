// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.csv;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import io.kronstream.connectors.csv.CsvLine.Fault;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.StringJoiner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CsvLineTest {
    private final CsvLine line = new CsvLine();

    @Test
    void splitsAtCommas() {
        assertThat(fields("a,b,,d")).containsExactly("a", "b", "", "d");
        assertThat(fields(",")).containsExactly("", "");
        assertThat(fields("")).containsExactly("");
        assertThat(fields(" a , b ")).containsExactly(" a ", " b ");
    }

    @Test
    void readsQuotes() {
        assertThat(fields("\"a,b\",c")).containsExactly("a,b", "c");
        assertThat(fields("\"\",\"\"\"\"")).containsExactly("", "\"");
        assertThat(fields("x,\"he said \"\"no\"\"\",\"\"\"y\"\"\"")).containsExactly("x", "he said \"no\"", "\"y\"");
        assertThat(fields("\"two\nlines\",2")).containsExactly("two\nlines", "2");
        assertThat(fields("5\" pipe,2")).containsExactly("5\" pipe", "2");
    }

    @Test
    void keepsEarlierFieldsWhenUnescapingNeedsMoreRoom() {
        String wide = "\"" + "\"\"".repeat(500) + "\"";
        assertThat(fields("\"a\"\"b\"," + wide)).containsExactly("a\"b", "\"".repeat(500));
    }

    @Test
    void takesOneLineBreakAtTheEnd() {
        assertThat(fields("a,b\n")).containsExactly("a", "b");
        assertThat(fields("a,b\r\n")).containsExactly("a", "b");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "UNCLOSED_QUOTES   | a,\"b      | 1",
                "UNCLOSED_QUOTES   | \"         | 0",
                "UNCLOSED_QUOTES   | a,b,\"c\"\"| 2",
                "TEXT_AFTER_QUOTES | \"a\"b,c   | 0",
                "TEXT_AFTER_QUOTES | a,\"b\" ,c | 1",
                "SEVERAL_LINES     | a,b~c,d    | 2",
                "SEVERAL_LINES     | a~~        | 1",
            })
    void saysWhatIsWrongAndWhere(Fault fault, String text, int fieldsBefore) {
        assertThat(line.split(bytes(text.replace('~', '\n')))).isEqualTo(fault);
        assertThat(line.count()).isEqualTo(fieldsBefore);
    }

    /** Jackson's reader sees the same fields in whatever either of them can read. */
    @Test
    void agreesWithJackson() throws Exception {
        ObjectReader jackson = new CsvMapper().readerForArrayOf(String.class);
        long seed = 20261120;
        Random random = new Random(seed);
        for (int round = 0; round < 5000; round++) {
            List<String> expected = new ArrayList<>();
            StringJoiner written = new StringJoiner(",");
            for (int i = 0, n = 1 + random.nextInt(8); i < n; i++) {
                String text = text(random);
                expected.add(text);
                boolean quoted = text.matches("(?s).*[\",\n].*") || random.nextInt(4) == 0;
                written.add(quoted ? '"' + text.replace("\"", "\"\"") + '"' : text);
            }
            String[] seen = jackson.readValue(written.toString());
            assertThat(fields(written.toString()))
                    .as("seed %d, round %d: %s", seed, round, written)
                    .isEqualTo(expected)
                    .containsExactly(seen);
        }
    }

    private static String text(Random random) {
        String alphabet = "ab1.\",é€😀 \n";
        StringBuilder text = new StringBuilder("x");
        for (int i = random.nextInt(12); i > 0; i--) {
            text.appendCodePoint(alphabet.codePointAt(
                    alphabet.offsetByCodePoints(0, random.nextInt(alphabet.codePointCount(0, alphabet.length())))));
        }
        return text.toString();
    }

    private List<String> fields(String text) {
        assertThat(line.split(bytes(text))).isEqualTo(Fault.NONE);
        List<String> fields = new ArrayList<>();
        for (int i = 0; i < line.count(); i++) {
            fields.add(line.text(i));
        }
        return fields;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
