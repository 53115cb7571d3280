// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.format.AvroFormat;
import io.kronstream.connectors.format.Row;
import io.kronstream.connectors.format.RowFormat;
import io.kronstream.connectors.format.UndecodableException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files as Avro's own writer makes them, and such as it does not. */
class AvroBlocksTest {
    private static final Schema SCHEMA = new Schema.Parser()
            .parse("{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"i\", \"type\": \"int\"},"
                    + " {\"name\": \"s\", \"type\": \"string\"}]}");
    private static final byte[] MARKER = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final int IN_BLOCK = 100;

    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"null", "deflate", "snappy"})
    void rowsComeInTheirOrder(String codec) throws Exception {
        byte[] file = file(codec, 250);

        assertThat(read(file)).containsExactlyElementsOf(expected(0, 250));
    }

    @Test
    void anEmptyFileHasNoRows() throws Exception {
        assertThat(read(file("null", 0))).isEmpty();
    }

    @Test
    void ofABrokenBlockOneRecordComesAndThenTheNextBlock() throws Exception {
        byte[] file = file("deflate", 300);
        spoil(file, blockAfter(file, 1));

        List<Integer> rows = read(file);

        assertThat(rows).hasSize(IN_BLOCK + 1 + IN_BLOCK);
        assertThat(rows.subList(0, IN_BLOCK)).isEqualTo(expected(0, IN_BLOCK));
        assertThat(rows.get(IN_BLOCK)).isNull();
        assertThat(rows.subList(IN_BLOCK + 1, rows.size())).isEqualTo(expected(2 * IN_BLOCK, 3 * IN_BLOCK));
    }

    @Test
    void aChecksumThatIsNotRightBreaksABlock() throws Exception {
        byte[] file = file("snappy", 200);
        file[blockAfter(file, 1) - MARKER.length - 1] ^= 1;

        List<Integer> rows = read(file);

        assertThat(rows).hasSize(1 + IN_BLOCK);
        assertThat(rows.get(0)).isNull();
    }

    @Test
    void ofARowThatDoesNotFitTheRestOfItsBlockIsOneRecord() throws Exception {
        byte[] file = file("null", 200);
        int first = blockAfter(file, 0);
        file[first + 4 + 1] = (byte) 0xff; // the length of the first row's text

        List<Integer> rows = read(file);

        assertThat(rows).hasSize(1 + IN_BLOCK);
        assertThat(rows.get(0)).isNull();
        assertThat(rows.subList(1, rows.size())).isEqualTo(expected(IN_BLOCK, 2 * IN_BLOCK));
    }

    @Test
    void aBlockWithoutItsMarkerIsBroken() throws Exception {
        byte[] file = file("null", 300);
        file[blockAfter(file, 1) - 1] ^= 1;

        List<Integer> rows = read(file);

        assertThat(rows).hasSize(1 + IN_BLOCK);
        assertThat(rows.get(0)).isNull();
        assertThat(rows.subList(1, rows.size())).isEqualTo(expected(2 * IN_BLOCK, 3 * IN_BLOCK));
    }

    @Test
    void aFileThatIsCutOffEndsInARecordThatIsRejected() throws Exception {
        byte[] file = file("deflate", 200);

        List<Integer> rows = read(Arrays.copyOf(file, file.length - 20));

        assertThat(rows).hasSize(IN_BLOCK + 1);
        assertThat(rows.get(IN_BLOCK)).isNull();
    }

    /** Avro's own reader would ask for as much memory. */
    @Test
    void noLengthIsBelieved() throws Exception {
        byte[] head = Arrays.copyOf(file("null", 0), headBytes(file("null", 0)));
        byte[] sized = {2, -2, -1, -1, -1, 15, 1, 2, 3}; // a row in 2 GiB
        byte[] many = {-2, -1, -1, -1, 15, 2, 0}; // 2 billion rows in a byte
        byte[] negative = {1, 2, 0};

        for (byte[] block : List.of(sized, many, negative)) {
            byte[] marked = concat(head, block, MARKER);
            assertThat(read(marked)).as(Arrays.toString(block)).containsExactly((Integer) null);
            assertThat(read(concat(marked, file("null", 100, head.length)))).hasSize(1 + IN_BLOCK);
        }
    }

    @Test
    void aRowThatIsTooLargeIsCutSoThatItIsRejected() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DataFileWriter<GenericRecord> writer = writer(out, "deflate")) {
            GenericRecord row = new GenericData.Record(SCHEMA);
            row.put("i", 1);
            row.put("s", "x".repeat(2 * RowFormat.MAX_VALUE_BYTES));
            writer.append(row);
            writer.append(row(7));
        }
        try (AvroBlocks blocks = new AvroBlocks(new ByteArrayInputStream(out.toByteArray()), 0)) {
            assertThat(blocks.next()).hasSize(RowFormat.MAX_VALUE_BYTES + 1);
            assertThat(blocks.number()).isEqualTo(1);
            assertThat(blocks.next()).hasSizeLessThan(20);
            assertThat(blocks.next()).isNull();
        }
    }

    @Test
    void whatIsNoneOfAvrosFilesIsRefused() throws Exception {
        refused("a,b\n1,2\n".getBytes(StandardCharsets.US_ASCII), "it is no Avro file");
        refused(Arrays.copyOf(file("null", 1), 20), "it ends within its head");
        refused(
                replaced(file("deflate", 1), "deflate", "unknown"),
                "compressed with 'unknown': write it with 'deflate', 'snappy' or 'null'");
        refused(replaced(file("null", 1), "record", "recrod"), "its schema cannot be used: Not an Avro schema");
        refused(replaced(file("null", 1), "avro.schema", "avro.schemo"), "its head has no schema");
    }

    @Test
    void aPositionLeadsToTheSameRows() throws Exception {
        Path first = Files.write(dir.resolve("1.avro"), file("deflate", 250));
        byte[] spoiled = file("deflate", 250);
        spoil(spoiled, blockAfter(spoiled, 1));
        Path second = Files.write(dir.resolve("2.avro"), spoiled);
        FileLines.Files files = new FileLines.Files(List.of(first.toString(), second.toString()), null, true, false);
        List<RawRecord> all = new ArrayList<>();
        List<FilePosition> positions = new ArrayList<>(List.of(FilePosition.START));
        try (FileLines lines = new FileLines(files, FilePosition.START)) {
            for (RawRecord record = lines.next(); record != null; record = lines.next()) {
                all.add(record);
                positions.add(lines.position());
            }
        }

        assertThat(all).hasSize(250 + IN_BLOCK + 1 + 50);
        assertThat(all.get(250).source()).isEqualTo(1 << 16);
        assertThat(all.get(250).offset()).isEqualTo(1);
        for (int from = 0; from < all.size(); from += 17) {
            try (FileLines lines = new FileLines(files, positions.get(from))) {
                for (RawRecord expected : all.subList(from, all.size())) {
                    RawRecord found = lines.next();
                    assertThat(found.value()).isEqualTo(expected.value());
                    assertThat(found.offset()).isEqualTo(expected.offset());
                }
                assertThat(lines.next()).isNull();
            }
        }
        assertThatThrownBy(() -> FileLines.check(new FileLines.Files(
                        List.of(Files.writeString(dir.resolve("a.csv"), "a\n").toString()), null, true, false)))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("a.csv")
                .hasMessageContaining("it is no Avro file");
    }

    private static void refused(byte[] file, String sentence) {
        assertThatThrownBy(() -> read(file)).isInstanceOf(IOException.class).hasMessageContaining(sentence);
    }

    /** The integer of each row; null for what is rejected. */
    private static List<Integer> read(byte[] file) throws IOException {
        List<Integer> rows = new ArrayList<>();
        RowFormat.Reader reader = AvroFormat.ofSchemas(() -> number -> {
                    if (number != 5) {
                        throw new UndecodableException("malformed", "broken");
                    }
                    return SCHEMA;
                })
                .reader(List.of("i", "s"));
        try (AvroBlocks blocks = new AvroBlocks(new ByteArrayInputStream(file), 5)) {
            Row row = new Row(2);
            for (byte[] value = blocks.next(); value != null; value = blocks.next()) {
                assertThat(blocks.number()).isEqualTo(rows.size() + 1);
                try {
                    reader.start(value);
                    assertThat(reader.next(row)).isTrue();
                    rows.add((int) row.number(0));
                    assertThat(reader.next(row)).isFalse();
                } catch (UndecodableException e) {
                    rows.add(null);
                }
            }
        }
        return rows;
    }

    private static List<Integer> expected(int from, int to) {
        List<Integer> numbers = new ArrayList<>();
        for (int i = from; i < to; i++) {
            numbers.add(i);
        }
        return numbers;
    }

    private static byte[] file(String codec, int rows) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DataFileWriter<GenericRecord> writer = writer(out, codec)) {
            for (int i = 0; i < rows; i++) {
                writer.append(row(i));
                if ((i + 1) % IN_BLOCK == 0) {
                    writer.sync();
                }
            }
        }
        return out.toByteArray();
    }

    private static byte[] file(String codec, int rows, int from) throws IOException {
        byte[] file = file(codec, rows);
        return Arrays.copyOfRange(file, from, file.length);
    }

    private static DataFileWriter<GenericRecord> writer(ByteArrayOutputStream out, String codec) throws IOException {
        DataFileWriter<GenericRecord> writer = new DataFileWriter<>(new GenericDatumWriter<GenericRecord>(SCHEMA));
        writer.setCodec(CodecFactory.fromString(codec));
        writer.setSyncInterval(1 << 22);
        writer.create(SCHEMA, out, MARKER);
        return writer;
    }

    private static GenericRecord row(int number) {
        GenericRecord row = new GenericData.Record(SCHEMA);
        row.put("i", number);
        row.put("s", "row " + number);
        return row;
    }

    /** Deflate knows no blocks of this kind. */
    private static void spoil(byte[] file, int block) {
        int at = block;
        for (int number = 0; number < 2; number++) {
            while (file[at++] < 0) {
                // a number goes on
            }
        }
        file[at] = 7;
    }

    private static byte[] replaced(byte[] file, String text, String other) {
        byte[] changed = file.clone();
        int at = new String(file, StandardCharsets.ISO_8859_1).indexOf(text);
        System.arraycopy(other.getBytes(StandardCharsets.ISO_8859_1), 0, changed, at, other.length());
        return changed;
    }

    private static int headBytes(byte[] file) {
        return blockAfter(file, 0);
    }

    /** Where the block begins that comes after so many others. */
    private static int blockAfter(byte[] file, int blocks) {
        int at = -1;
        for (int i = 0; i <= blocks; i++) {
            do {
                at++;
            } while (!Arrays.equals(file, at, at + MARKER.length, MARKER, 0, MARKER.length));
        }
        return at + MARKER.length;
    }

    private static byte[] concat(byte[]... parts) {
        ByteBuffer all = ByteBuffer.allocate(
                Arrays.stream(parts).mapToInt(part -> part.length).sum());
        Arrays.stream(parts).forEach(all::put);
        return all.array();
    }
}
