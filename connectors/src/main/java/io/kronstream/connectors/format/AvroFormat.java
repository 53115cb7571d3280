// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;

/**
 * Avro's binary encoding: a record is a row, an array of records is several. The schema is that of a file, or the one
 * whose number the value begins with (a zero byte and four bytes, as Confluent-compatible registries have it). Fields are
 * found by name in the writer's schema: absent ones and nulls are missing, others are skipped, so that newer schemas may
 * add fields. Dates and timestamps become text, decimals and all other numbers become numbers.
 *
 * <p>The bytes are walked along the schema here rather than by Avro's own reader, which believes the lengths it finds: a
 * text of two gigabytes is asked for with five bytes. Reasons: {@code encoding}, {@code malformed}, {@code empty}, {@code
 * schema}.
 */
public final class AvroFormat implements RowFormat {
    private static final long serialVersionUID = 1;

    /** Items of all lists of a value together: some take no bytes at all. */
    private static final int MAX_ITEMS = 1 << 18;

    /** Values of all kinds: a schema can make billions of records within records of no bytes. */
    private static final int MAX_VALUES = 1 << 21;

    private static final int MAX_DECIMAL_BYTES = 64;
    private static final int MAX_SCALE = 400;

    private final String schema;
    private final Schemas schemas;

    private AvroFormat(String schema, Schemas schemas) {
        this.schema = schema;
        this.schemas = schemas;
    }

    /**
     * Values that all have this schema.
     *
     * @param schema in JSON
     * @throws IllegalArgumentException if it is none, or describes neither a record nor an array of records
     */
    public static AvroFormat ofSchema(String schema) {
        rowSchema(SchemaRegistry.parse(schema));
        return new AvroFormat(schema, null);
    }

    /** Values that name their schema. */
    public static AvroFormat ofSchemas(Schemas schemas) {
        return new AvroFormat(null, schemas);
    }

    /**
     * A schema of single rows.
     *
     * @param schema in JSON
     * @throws IllegalArgumentException if it is none, or does not describe a record
     */
    public static Schema recordSchema(String schema) {
        Schema parsed = SchemaRegistry.parse(schema);
        if (parsed.getType() != Schema.Type.RECORD) {
            throw new IllegalArgumentException("An Avro schema of single rows must be a record, was "
                    + parsed.getType().getName());
        }
        return parsed;
    }

    @Override
    public Reader reader(List<String> columns) {
        return schemas == null
                ? new AvroReader(columns, SchemaRegistry.parse(schema), null)
                : new AvroReader(columns, null, schemas.lookup());
    }

    /** Finds the ends of rows that follow each other with nothing between them. Not thread-safe. */
    public static final class Walk {
        private final Schema row;
        private final AvroReader reader = new AvroReader(List.of(), null, null);

        /** @param row see {@link AvroFormat#recordSchema} */
        public Walk(Schema row) {
            this.row = row;
        }

        /** The place behind the row that begins at {@code from}, not behind {@code to}. */
        public int end(byte[] bytes, int from, int to) throws UndecodableException {
            return reader.end(row, bytes, from, to);
        }
    }

    /** The schema of one row. */
    private static Schema rowSchema(Schema schema) {
        Schema row = schema.getType() == Schema.Type.ARRAY ? schema.getElementType() : schema;
        if (row.getType() != Schema.Type.RECORD) {
            throw new IllegalArgumentException("An Avro schema of rows must be a record or an array of records, was "
                    + schema.getType().getName());
        }
        return row;
    }

    private static final class AvroReader implements Reader {
        private final List<String> columns;
        private final ColumnNames names;
        private final Utf8 utf8 = new Utf8();
        private final Schema fixed;
        private final Schemas.Lookup schemas;

        private ByteBuffer in;
        private Schema row;
        private boolean array;
        private long left;
        private int items;
        private int values;
        private boolean any;

        AvroReader(List<String> columns, Schema fixed, Schemas.Lookup schemas) {
            this.columns = List.copyOf(columns);
            this.names = ColumnNames.of(columns);
            this.fixed = fixed;
            this.schemas = schemas;
        }

        @Override
        public void start(byte[] value) throws UndecodableException {
            in = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
            Schema schema = fixed == null ? registered(value) : fixed;
            array = schema.getType() == Schema.Type.ARRAY;
            try {
                row = rowSchema(schema);
            } catch (IllegalArgumentException e) {
                throw new UndecodableException("schema", e.getMessage());
            }
            items = 0;
            values = 0;
            any = false;
            left = array ? block() : 1;
        }

        int end(Schema row, byte[] bytes, int from, int to) throws UndecodableException {
            in = ByteBuffer.wrap(bytes)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .position(from)
                    .limit(to);
            items = 0;
            values = 0;
            record(row, null, null, 1);
            return in.position();
        }

        private Schema registered(byte[] value) throws UndecodableException {
            if (value.length < 5 || value[0] != 0) {
                throw new UndecodableException(
                        "schema", "The record does not begin with a zero byte and the number of its schema");
            }
            int id = ByteBuffer.wrap(value).getInt(1);
            in.position(5);
            return schemas.schema(id);
        }

        @Override
        public boolean next(Row out) throws UndecodableException {
            if (left == 0 && array && any) {
                left = block();
            }
            if (left == 0) {
                if (in.hasRemaining()) {
                    throw malformed(in.remaining() + " bytes follow the last row");
                }
                if (!any) {
                    throw new UndecodableException("empty", "The record holds no row");
                }
                return false;
            }
            left--;
            any = true;
            out.clear();
            record(row, names, out, 1);
            return true;
        }

        /** Reads a value; what no column wants is skipped. */
        private void value(Schema schema, ColumnNames wanted, Row out, int depth) throws UndecodableException {
            if (depth > MAX_DEPTH) {
                throw malformed("it is nested deeper than " + MAX_DEPTH);
            }
            if (++values > MAX_VALUES) {
                throw malformed("it has more than " + MAX_VALUES + " values");
            }
            int column = wanted == null ? ColumnNames.NONE : wanted.column();
            switch (schema.getType()) {
                case RECORD -> {
                    record(schema, wanted, out, depth + 1);
                    nested(column, out);
                }
                case MAP -> {
                    map(schema, wanted, out, depth);
                    nested(column, out);
                }
                case ARRAY -> array(schema, column, out, depth);
                case UNION -> {
                    long branch = integer();
                    if (branch < 0 || branch >= schema.getTypes().size()) {
                        throw malformed("branch " + branch + " of a union does not exist");
                    }
                    value(schema.getTypes().get((int) branch), wanted, out, depth + 1);
                }
                default -> plain(schema, column, out);
            }
        }

        private void record(Schema schema, ColumnNames wanted, Row out, int depth) throws UndecodableException {
            for (Schema.Field field : schema.getFields()) {
                value(field.schema(), wanted == null ? null : wanted.field(field.name()), out, depth);
            }
        }

        private void map(Schema schema, ColumnNames wanted, Row out, int depth) throws UndecodableException {
            for (long count = block(); count > 0; count = block()) {
                for (; count > 0; count--) {
                    int length = length();
                    String key =
                            wanted == null ? "" : new String(in.array(), in.position(), length, StandardCharsets.UTF_8);
                    skip(length);
                    value(schema.getValueType(), wanted == null ? null : wanted.field(key), out, depth + 1);
                }
            }
        }

        private void array(Schema schema, int column, Row out, int depth) throws UndecodableException {
            List<byte[]> values = new ArrayList<>();
            Row item = column == ColumnNames.NONE ? null : new Row(1);
            boolean plain = true;
            for (long count = block(); count > 0; count = block()) {
                for (; count > 0; count--) {
                    if (item == null) {
                        value(schema.getElementType(), null, out, depth + 1);
                        continue;
                    }
                    item.clear();
                    value(schema.getElementType(), ITEM, item, depth + 1);
                    switch (item.kind(0)) {
                        case TEXT -> values.add(Arrays.copyOfRange(item.bytes(0), item.start(0), item.end(0)));
                        case NUMBER -> values.add(number(item.number(0)).getBytes(StandardCharsets.US_ASCII));
                        case MISSING -> {}
                        default -> plain = false;
                    }
                }
            }
            if (item != null && plain) {
                out.list(column, values);
            } else {
                nested(column, out);
            }
        }

        /** Whole numbers as JSON has them, so that a category is the same in both formats. */
        private static String number(double number) {
            return number == Math.rint(number) && Math.abs(number) < 1e15
                    ? Long.toString((long) number)
                    : Double.toString(number);
        }

        private static void nested(int column, Row out) {
            if (column != ColumnNames.NONE) {
                out.nested(column);
            }
        }

        private void plain(Schema schema, int column, Row out) throws UndecodableException {
            switch (schema.getType()) {
                case NULL -> {}
                case BOOLEAN -> {
                    need(1);
                    byte truth = in.get();
                    if (truth != 0 && truth != 1) {
                        throw malformed("a truth value is " + truth);
                    }
                    if (column != ColumnNames.NONE) {
                        out.text(column, truth == 1 ? "true" : "false");
                    }
                }
                case INT, LONG -> {
                    long number = integer();
                    if (column != ColumnNames.NONE) {
                        whole(schema.getLogicalType(), number, column, out);
                    }
                }
                case FLOAT -> {
                    need(Float.BYTES);
                    number(column, in.getFloat(), out);
                }
                case DOUBLE -> {
                    need(Double.BYTES);
                    number(column, in.getDouble(), out);
                }
                case ENUM -> {
                    long symbol = integer();
                    if (symbol < 0 || symbol >= schema.getEnumSymbols().size()) {
                        throw malformed("symbol " + symbol + " of an enumeration does not exist");
                    }
                    if (column != ColumnNames.NONE) {
                        out.text(column, schema.getEnumSymbols().get((int) symbol));
                    }
                }
                case STRING -> bytes(schema, length(), column, out);
                case BYTES -> bytes(schema, length(), column, out);
                case FIXED -> {
                    need(schema.getFixedSize());
                    bytes(schema, schema.getFixedSize(), column, out);
                }
                default -> throw malformed("it has a " + schema.getType().getName());
            }
        }

        private static void number(int column, double number, Row out) {
            if (column != ColumnNames.NONE) {
                out.number(column, number);
            }
        }

        private void whole(LogicalType logical, long number, int column, Row out) throws UndecodableException {
            try {
                if (logical instanceof LogicalTypes.Date) {
                    out.text(column, LocalDate.ofEpochDay(number).toString());
                } else if (logical instanceof LogicalTypes.TimestampMillis) {
                    out.text(column, Instant.ofEpochMilli(number).toString());
                } else if (logical instanceof LogicalTypes.TimestampMicros) {
                    out.text(
                            column,
                            Instant.ofEpochMilli(Math.floorDiv(number, 1000)).toString());
                } else {
                    out.number(column, number);
                }
            } catch (DateTimeException e) {
                throw malformed("column '" + columns.get(column) + "' is beyond all dates");
            }
        }

        private void bytes(Schema schema, int length, int column, Row out) throws UndecodableException {
            int from = in.position();
            skip(length);
            if (column == ColumnNames.NONE) {
                return;
            }
            if (schema.getLogicalType() instanceof LogicalTypes.Decimal decimal) {
                if (length == 0 || length > MAX_DECIMAL_BYTES || Math.abs(decimal.getScale()) > MAX_SCALE) {
                    throw malformed("a decimal has " + length + " bytes");
                }
                BigInteger unscaled = new BigInteger(in.array(), from, length);
                out.number(column, new BigDecimal(unscaled, decimal.getScale()).doubleValue());
                return;
            }
            utf8.require(in.array(), from, from + length, "Column '" + name(column) + "'");
            out.text(column, in.array(), from, from + length);
        }

        private String name(int column) {
            return columns.get(column);
        }

        /** The number of items of a list's next block; 0 at its end. */
        private long block() throws UndecodableException {
            long count = integer();
            if (count < 0) {
                count = -count;
                integer(); // the block's bytes, which only those need that skip it
            }
            if (count < 0 || count > MAX_ITEMS - items) {
                throw malformed("its lists have more than " + MAX_ITEMS + " items");
            }
            items += (int) count;
            return count;
        }

        private int length() throws UndecodableException {
            long length = integer();
            if (length < 0 || length > in.remaining()) {
                throw malformed("a length of " + length + " is beyond its end");
            }
            return (int) length;
        }

        private void skip(int length) {
            in.position(in.position() + length);
        }

        private void need(int bytes) throws UndecodableException {
            if (in.remaining() < bytes) {
                throw malformed("it ends in the middle of a value");
            }
        }

        /** A whole number: seven bits per byte, the least significant ones first, the sign in the lowest bit. */
        private long integer() throws UndecodableException {
            long zigzag = 0;
            for (int shift = 0; shift < 70; shift += 7) {
                need(1);
                byte part = in.get();
                zigzag |= (long) (part & 0x7f) << shift;
                if (part >= 0) {
                    return zigzag >>> 1 ^ -(zigzag & 1);
                }
            }
            throw malformed("a whole number has more than ten bytes");
        }

        private static UndecodableException malformed(String problem) {
            return new UndecodableException("malformed", "The record does not fit its Avro schema: " + problem);
        }
    }

    /** Wants the item of a list as column 0. */
    private static final ColumnNames ITEM = ColumnNames.of(List.of("item")).field("item");
}
