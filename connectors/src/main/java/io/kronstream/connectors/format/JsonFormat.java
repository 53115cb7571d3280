// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * JSON in UTF-8: an object is a row; an array of objects, or objects one after the other as in JSON lines, are several.
 * Fields are found by name, whatever their order; absent ones and nulls are missing, and ones that no column is called
 * are skipped, so that producers may add fields. A field that occurs twice is refused. Reasons: {@code encoding}, {@code
 * malformed}, {@code empty}.
 */
public final class JsonFormat implements RowFormat {
    private static final long serialVersionUID = 1;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(MAX_VALUE_BYTES)
                    .maxNumberLength(MAX_VALUE_BYTES)
                    .maxNameLength(1000)
                    .build())
            // names come from outside: they must not stay in the JVM's table
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build();

    @Override
    public Reader reader(List<String> columns) {
        return new JsonReader(columns);
    }

    private static final class JsonReader implements Reader {
        private final List<String> columns;
        private final ColumnNames names;
        private final Utf8 utf8 = new Utf8();
        private JsonParser parser;
        private boolean array;
        private boolean any;

        JsonReader(List<String> columns) {
            this.columns = List.copyOf(columns);
            this.names = ColumnNames.of(columns);
        }

        @Override
        public void start(byte[] value) throws UndecodableException {
            utf8.require(value, "The record");
            for (int i = 0; i < Math.min(4, value.length); i++) {
                if (value[i] == 0) { // the parser would take it for UTF-16 or UTF-32
                    throw new UndecodableException("encoding", "The record is not UTF-8 text");
                }
            }
            array = false;
            any = false;
            try {
                parser = JSON.createParser(value);
            } catch (IOException e) {
                throw malformed(e);
            }
        }

        @Override
        public boolean next(Row row) throws UndecodableException {
            try {
                return read(row);
            } catch (IOException e) {
                throw malformed(e);
            }
        }

        private boolean read(Row row) throws IOException, UndecodableException {
            JsonToken token = parser.nextToken();
            if (!any && token == JsonToken.START_ARRAY) {
                array = true;
                token = parser.nextToken();
            }
            if (array && token == JsonToken.END_ARRAY) {
                token = parser.nextToken();
                if (token != null) {
                    throw new UndecodableException("malformed", "There is something after the end of the array");
                }
            }
            if (token == null) {
                if (!any) {
                    throw new UndecodableException("empty", "The record holds no row");
                }
                parser.close();
                return false;
            }
            if (token != JsonToken.START_OBJECT) {
                throw new UndecodableException("malformed", "A row must be a JSON object, was " + word(token));
            }
            any = true;
            row.clear();
            object(names, row);
            return true;
        }

        /** Reads the fields of an object whose brace was read, to its closing brace. */
        private void object(ColumnNames wanted, Row row) throws IOException, UndecodableException {
            for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
                ColumnNames field = wanted.field(name);
                JsonToken token = parser.nextToken();
                if (field == null) {
                    parser.skipChildren();
                } else {
                    if (field.column() != ColumnNames.NONE) {
                        requireFirst(field.column(), row);
                    }
                    value(token, field, row);
                }
            }
        }

        private void requireFirst(int column, Row row) throws UndecodableException {
            if (row.kind(column) != Row.Kind.MISSING) {
                throw new UndecodableException("malformed", "Column '" + columns.get(column) + "' occurs twice");
            }
        }

        private void value(JsonToken token, ColumnNames field, Row row) throws IOException, UndecodableException {
            int column = field.column();
            if (token == JsonToken.START_OBJECT) {
                object(field, row);
                if (column != ColumnNames.NONE) {
                    row.nested(column);
                }
            } else if (column == ColumnNames.NONE) {
                parser.skipChildren();
            } else if (token == JsonToken.START_ARRAY) {
                list(column, row);
            } else if (token != JsonToken.VALUE_NULL) {
                row.text(column, parser.getText());
            }
        }

        private void list(int column, Row row) throws IOException {
            List<byte[]> values = new ArrayList<>();
            boolean plain = true;
            for (JsonToken token = parser.nextToken(); token != JsonToken.END_ARRAY; token = parser.nextToken()) {
                if (token.isStructStart()) {
                    plain = false;
                    parser.skipChildren();
                } else if (token != JsonToken.VALUE_NULL) {
                    values.add(parser.getText().getBytes(StandardCharsets.UTF_8));
                }
            }
            if (plain) {
                row.list(column, values);
            } else {
                row.nested(column);
            }
        }

        private static String word(JsonToken token) {
            return switch (token) {
                case START_ARRAY -> "an array";
                case VALUE_STRING -> "a text";
                case VALUE_NULL -> "null";
                case VALUE_TRUE, VALUE_FALSE -> "a truth value";
                default -> "a number";
            };
        }

        private static UndecodableException malformed(IOException e) {
            String problem =
                    e instanceof JsonProcessingException parsing ? parsing.getOriginalMessage() : e.getMessage();
            String line =
                    problem == null ? "unreadable" : problem.lines().findFirst().orElse("unreadable");
            return new UndecodableException("malformed", "The record is not JSON: " + Sentences.cut(line));
        }
    }
}
