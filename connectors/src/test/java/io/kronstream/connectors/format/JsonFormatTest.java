// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonFormatTest {
    private static final List<String> COLUMNS = List.of("x", "who.name", "y", "tags");
    private final RowFormat.Reader reader = new JsonFormat().reader(COLUMNS);

    @Test
    void findsFieldsByNameInAnyOrderAndDepth() throws Exception {
        assertThat(
                        read(
                                "{\"y\": true, \"more\": {\"x\": [1, {}]}, \"who\": {\"age\": 3, \"name\": \"Zo\\u00eb\"}, \"x\": -1.50e2}"))
                .containsExactly(List.of("-1.50e2", "Zoë", "true", ""));
    }

    @Test
    void takesAbsentNullAndEmptyForMissing() throws Exception {
        assertThat(read("{}")).containsExactly(List.of("", "", "", ""));
        assertThat(read("{\"x\": null, \"who\": null, \"y\": \"\"}")).containsExactly(List.of("", "", "", ""));
    }

    @Test
    void aNameWithADotLeadsIntoAnObjectOrIsAFieldOfItsOwn() throws Exception {
        assertThat(read("{\"who.name\": \"Zo\"}")).isEqualTo(read("{\"who\": {\"name\": \"Zo\"}}"));
    }

    @Test
    void readsArraysAndLinesOfObjects() throws Exception {
        assertThat(read("[{\"x\":1},{\"y\":2}]")).containsExactly(List.of("1", "", "", ""), List.of("", "", "2", ""));
        assertThat(read("{\"x\":1}\n{\"x\":2}\n")).hasSize(2);
        assertThat(read(" {\"x\":1} ")).hasSize(1);
    }

    @Test
    void readsLists() throws Exception {
        assertThat(read("{\"tags\": [\"a\", 7, null, true]}").get(0).get(3)).isEqualTo("a|7|true");
        assertThat(read("{\"tags\": [[1]]}").get(0).get(3)).isEqualTo("a nested value");
        assertThat(read("{\"x\": {\"z\": 1}}").get(0).get(0)).isEqualTo("a nested value");
    }

    @Test
    void keepsNumbersAsTheyAreWritten() throws Exception {
        String digits = "9".repeat(400);
        assertThat(read("{\"x\": " + digits + "}").get(0).get(0)).isEqualTo(digits);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"x\": NaN}          | malformed | The record is not JSON: Non-standard token 'NaN'",
                "{\"x\": Infinity}     | malformed | The record is not JSON",
                "{\"x\": 1             | malformed | The record is not JSON: Unexpected end-of-input",
                "{\"x\": 1}}           | malformed | The record is not JSON",
                "{x: 1}                | malformed | The record is not JSON",
                "{\"x\": 01}           | malformed | The record is not JSON",
                "{\"x\": 1, \"x\": 2}  | malformed | Column 'x' occurs twice",
                "{\"who\": {\"name\": 1}, \"who.name\": 2} | malformed | Column 'who.name' occurs twice",
                "7                     | malformed | A row must be a JSON object, was a number",
                "\"x\"                 | malformed | A row must be a JSON object, was a text",
                "null                  | malformed | A row must be a JSON object, was null",
                "[1]                   | malformed | A row must be a JSON object, was a number",
                "[[{}]]                | malformed | A row must be a JSON object, was an array",
                "[{}] {}               | malformed | There is something after the end of the array",
                "{} [{}]               | malformed | A row must be a JSON object, was an array",
                "[]                    | empty     | The record holds no row",
                "` `                   | empty     | The record holds no row",
                "1.5,DE,0              | malformed | The record is not JSON",
            })
    void refuses(String json, String reason, String sentence) {
        Rows.assertRefused(reader, COLUMNS.size(), bytes(json), reason, sentence);
    }

    @Test
    void refusesBombs() {
        for (String bomb :
                List.of("{\"x\":".repeat(100_000), "{\"x\":" + "[".repeat(500_000), "{\"z\":" + "[".repeat(400_000))) {
            Rows.assertRefused(reader, COLUMNS.size(), bytes(bomb), "malformed", "nesting depth (33) exceeds");
        }
        Rows.assertRefused(
                reader,
                COLUMNS.size(),
                bytes("{\"" + "n".repeat(2000) + "\":1}"),
                "malformed",
                "The record is not JSON");
    }

    @Test
    void refusesOtherEncodings() {
        Rows.assertRefused(reader, COLUMNS.size(), new byte[] {'{', (byte) 0xe9, '}'}, "encoding", "is not UTF-8");
        Rows.assertRefused(
                reader, COLUMNS.size(), "{\"x\":1}".getBytes(StandardCharsets.UTF_16LE), "encoding", "is not UTF-8");
        Rows.assertRefused(
                reader, COLUMNS.size(), "{\"x\":1}".getBytes(StandardCharsets.UTF_16BE), "encoding", "is not UTF-8");
    }

    private List<List<String>> read(String json) throws UndecodableException {
        return Rows.read(reader, COLUMNS.size(), bytes(json));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
