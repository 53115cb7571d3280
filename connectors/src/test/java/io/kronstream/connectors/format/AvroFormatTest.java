// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.junit.jupiter.api.Test;

/** What Avro's own writer writes is read back. */
class AvroFormatTest {
    private static final Schema CLICK = new Schema.Parser()
            .parse(
                    """
            {"type": "record", "name": "Click", "fields": [
              {"name": "skipped", "type": {"type": "array", "items": {"type": "map", "values": "double"}}},
              {"name": "x", "type": ["null", "double"]},
              {"name": "n", "type": "long"},
              {"name": "f", "type": "float"},
              {"name": "who", "type": {"type": "record", "name": "Who", "fields": [
                {"name": "name", "type": "string"}, {"name": "kind", "type":
                  {"type": "enum", "name": "Kind", "symbols": ["HUMAN", "ROBOT"]}}]}},
              {"name": "tags", "type": {"type": "array", "items": ["null", "string", "int"]}},
              {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
              {"name": "day", "type": {"type": "int", "logicalType": "date"}},
              {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
              {"name": "fields", "type": {"type": "map", "values": "int"}},
              {"name": "code", "type": {"type": "fixed", "name": "Code", "size": 2}},
              {"name": "y", "type": "boolean"}]}
            """);

    private static final List<String> COLUMNS = List.of(
            "x", "n", "f", "who.name", "who.kind", "tags", "at", "day", "price", "fields.a", "code", "y", "new");

    private final RowFormat.Reader reader =
            AvroFormat.ofSchema(CLICK.toString()).reader(COLUMNS);

    @Test
    void readsEveryType() throws Exception {
        assertThat(Rows.read(reader, COLUMNS.size(), bytes(CLICK, click())))
                .containsExactly(List.of(
                        "1.5",
                        "-7.0",
                        "0.25",
                        "Zoë",
                        "ROBOT",
                        "a|5",
                        "2020-01-02T03:04:05.678Z",
                        "2020-01-02",
                        "-12.34",
                        "3.0",
                        "DE",
                        "true",
                        ""));
    }

    @Test
    void readsArraysOfRecords() throws Exception {
        Schema batch = Schema.createArray(CLICK);
        GenericRecord second = click();
        second.put("x", null);
        RowFormat.Reader batches = AvroFormat.ofSchema(batch.toString()).reader(COLUMNS);

        assertThat(Rows.read(batches, COLUMNS.size(), bytes(batch, List.of(click(), second))))
                .extracting(row -> row.get(0))
                .containsExactly("1.5", "");
        Rows.assertRefused(batches, COLUMNS.size(), bytes(batch, List.of()), "empty", "The record holds no row");
    }

    @Test
    void refusesWhatDoesNotFit() throws Exception {
        byte[] good = bytes(CLICK, click());

        Rows.assertRefused(
                reader,
                COLUMNS.size(),
                Arrays.copyOf(good, good.length + 3),
                "malformed",
                "3 bytes follow the last row");
        for (int length = 1; length < good.length; length++) {
            byte[] cut = Arrays.copyOf(good, length);
            Rows.assertRefused(reader, COLUMNS.size(), cut, "malformed", "does not fit its Avro schema");
        }
        Rows.assertRefused(
                reader,
                COLUMNS.size(),
                "{\"x\": 1.5, \"n\": 2}".getBytes(StandardCharsets.UTF_8),
                "malformed",
                "does not fit its Avro schema");
    }

    /** Avro's own reader would ask for two gigabytes, or loop two billion times. */
    @Test
    void believesNoLength() {
        RowFormat.Reader texts = reader("\"string\"");
        RowFormat.Reader nulls = reader("{\"type\": \"array\", \"items\": \"null\"}");
        byte[] huge = {-2, -1, -1, -1, 15};

        Rows.assertRefused(texts, 1, huge, "malformed", "a length of 2147483647 is beyond its end");
        Rows.assertRefused(nulls, 1, huge, "malformed", "its lists have more than 262144 items");
        Rows.assertRefused(texts, 1, new byte[] {1}, "malformed", "a length of -1");
        Rows.assertRefused(texts, 1, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}, "malformed", "ten bytes");
        Rows.assertRefused(texts, 1, new byte[] {2, (byte) 0xe9}, "encoding", "Column 'v' is not UTF-8");
    }

    @Test
    void refusesNestedBombs() {
        RowFormat.Reader lists = AvroFormat.ofSchema(
                        "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"v\", \"type\":"
                                + " [\"null\", \"R\"]}]}")
                .reader(List.of("v"));
        byte[] deep = new byte[100_000];
        Arrays.fill(deep, (byte) 2);

        Rows.assertRefused(lists, 1, deep, "malformed", "it is nested deeper than 32");
    }

    @Test
    void refusesSchemasThatAreNone() {
        assertThatThrownBy(() -> AvroFormat.ofSchema("{\"type\": \"recrod\"}"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("Not an Avro schema: ");
        assertThatThrownBy(() -> AvroFormat.ofSchema("\"int\""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("must be a record or an array of records, was int");
    }

    private static RowFormat.Reader reader(String type) {
        return AvroFormat.ofSchema("{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"v\", \"type\": "
                        + type + "}]}")
                .reader(List.of("v"));
    }

    static GenericRecord click() {
        GenericRecord who = new GenericData.Record(CLICK.getField("who").schema());
        who.put("name", "Zoë");
        who.put(
                "kind",
                new GenericData.EnumSymbol(who.getSchema().getField("kind").schema(), "ROBOT"));
        GenericRecord click = new GenericData.Record(CLICK);
        click.put("skipped", List.of(Map.of("a", 1.0), Map.of("b", 2.0, "c", 3.0)));
        click.put("x", 1.5);
        click.put("n", -7L);
        click.put("f", 0.25f);
        click.put("who", who);
        click.put("tags", Arrays.asList("a", null, 5));
        click.put("at", 1_577_934_245_678L);
        click.put("day", 18_263);
        click.put("price", ByteBuffer.wrap(new byte[] {(byte) 0xfb, 0x2e}));
        click.put("fields", Map.of("a", 3, "b", 4));
        click.put("code", new GenericData.Fixed(CLICK.getField("code").schema(), new byte[] {'D', 'E'}));
        click.put("y", true);
        return click;
    }

    static byte[] bytes(Schema schema, Object datum) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<>(schema).write(datum, encoder);
        encoder.flush();
        return out.toByteArray();
    }
}
