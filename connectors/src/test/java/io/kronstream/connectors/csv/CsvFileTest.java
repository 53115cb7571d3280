// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.csv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CsvFileTest {
    @TempDir
    private Path directory;

    @Test
    void readsHeaderAndRows() throws IOException {
        CsvFile file = CsvFile.open(write("a.csv", "a, b ,\"c,d\"\r\n1,2,3\r\n\r\n4,5,\"6,7\"\n8,9,10".getBytes()));

        assertThat(file.header()).containsExactly("a", "b", "c,d");
        assertThat(texts(file.rows())).containsExactly("1,2,3", "4,5,\"6,7\"", "8,9,10");
        assertThat(texts(file.rows(2))).containsExactly("1,2,3", "4,5,\"6,7\"");
        assertThat(texts(file.rows(0))).isEmpty();
    }

    @Test
    void tellsGzipByItsContentNotByItsName() throws IOException {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
            gzip.write("x,y\n1,2\n".getBytes());
        }

        CsvFile file = CsvFile.open(write("plain.csv", compressed.toByteArray()));

        assertThat(file.header()).containsExactly("x", "y");
        assertThat(texts(file.rows())).containsExactly("1,2");
    }

    @Test
    void reportsACutGzipFileWithItsLine() throws IOException {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
            gzip.write("a,b\n".getBytes());
            for (int i = 0; i < 10_000; i++) {
                gzip.write((i * 7919L + "," + i * 104729L % 1000 + "\n").getBytes());
            }
        }
        byte[] cut = Arrays.copyOf(compressed.toByteArray(), compressed.size() / 2);
        CsvFile file = CsvFile.open(write("cut.csv.gz", cut));

        assertThatThrownBy(() -> texts(file.rows()))
                .isInstanceOf(ConnectorException.class)
                .hasMessageMatching("Cannot read .*cut.csv.gz at line \\d+: .*");
    }

    @Test
    void takesAByteOrderMarkOff() throws IOException {
        CsvFile file = CsvFile.open(write("bom.csv", "\ufeffa,b\n1,2\n".getBytes(StandardCharsets.UTF_8)));

        assertThat(file.header()).containsExactly("a", "b");
    }

    @Test
    void handsOutRowsThatAreNotUtf8AsTheyAre() throws IOException {
        byte[] row = {'1', ',', (byte) 0xe9};
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        content.writeBytes("a,b\n".getBytes());
        content.writeBytes(row);

        Iterator<byte[]> rows =
                CsvFile.open(write("latin.csv", content.toByteArray())).rows();

        assertThat(rows.next()).isEqualTo(row);
    }

    @Test
    void refusesLineBreaksInsideQuotesWithTheLineNumber() throws IOException {
        CsvFile file = CsvFile.open(write("broken.csv", "a,b\n1,2\n\n3,\"four\nfive\"\n".getBytes()));

        assertThatThrownBy(() -> texts(file.rows()))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("Line 4 of ")
                .hasMessageContaining("line breaks inside quotes are not supported");
    }

    @Test
    void refusesLinesWithoutEnd() throws IOException {
        byte[] content = new byte[LineReader.MAX_LINE_BYTES + 10];
        Arrays.fill(content, (byte) '1');
        content[1] = '\n';

        CsvFile file = CsvFile.open(write("long.csv", content));
        assertThatThrownBy(file::rows).hasMessageEndingWith("at line 2: it is longer than 1048576 bytes");
    }

    @Test
    void refusesHeadersThatNameNoColumns() throws IOException {
        assertThatThrownBy(() -> CsvFile.open(directory.resolve("none.csv")))
                .isInstanceOf(ConnectorException.class)
                .hasMessageStartingWith("There is no file ");
        assertThatThrownBy(() -> CsvFile.open(directory)).hasMessageEndingWith(" is not a file");
        assertHeaderRefused("", "is empty: its first line must name the columns");
        assertHeaderRefused("a,,c\n", "Column 2 of");
        assertHeaderRefused("a,b,a\n", "Column 'a' occurs twice");
        assertHeaderRefused("a,\"b\n", "do not match");
    }

    private void assertHeaderRefused(String content, String message) throws IOException {
        Path path = write("header.csv", content.getBytes());
        assertThatThrownBy(() -> CsvFile.open(path))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining(message);
    }

    private Path write(String name, byte[] content) throws IOException {
        return Files.write(directory.resolve(name), content);
    }

    private static List<String> texts(Iterator<byte[]> rows) {
        List<String> texts = new ArrayList<>();
        rows.forEachRemaining(row -> texts.add(new String(row, StandardCharsets.UTF_8)));
        return texts;
    }
}
