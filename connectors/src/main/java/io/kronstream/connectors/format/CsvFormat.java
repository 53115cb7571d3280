// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import io.kronstream.connectors.csv.CsvLine;
import java.util.List;

/**
 * Comma-separated values without a header line, one row per line, the fields in the order of the columns. A row must
 * have exactly as many fields as there are columns: there are no names that could say which one is missing or new.
 * Reasons: {@code encoding}, {@code malformed}, {@code fields}.
 */
public final class CsvFormat implements RowFormat {
    private static final long serialVersionUID = 1;

    @Override
    public Reader reader(List<String> columns) {
        return new CsvReader(columns);
    }

    private static final class CsvReader implements Reader {
        private final List<String> columns;
        private final CsvLine line = new CsvLine();
        private final Utf8 utf8 = new Utf8();
        private byte[] value;
        private int position;
        private boolean started;

        CsvReader(List<String> columns) {
            this.columns = List.copyOf(columns);
        }

        @Override
        public void start(byte[] bytes) throws UndecodableException {
            utf8.require(bytes, "The record");
            value = bytes;
            position = 0;
            started = false;
        }

        @Override
        public boolean next(Row row) throws UndecodableException {
            if (started && position == value.length) {
                return false;
            }
            started = true;
            CsvLine.Fault fault = line.split(value, position);
            if (fault != CsvLine.Fault.NONE) {
                throw new UndecodableException("malformed", sentence(fault));
            }
            if (line.count() != columns.size()) {
                throw new UndecodableException("fields", fieldsSentence());
            }
            row.line(value);
            for (int column = 0; column < columns.size(); column++) {
                row.text(column, line.bytes(column), line.start(column), line.end(column));
            }
            position = line.next();
            return true;
        }

        private String sentence(CsvLine.Fault fault) {
            String place = line.count() < columns.size()
                    ? "column '" + columns.get(line.count()) + "'"
                    : "field " + (line.count() + 1) + ", which has no column,";
            return fault == CsvLine.Fault.UNCLOSED_QUOTES
                    ? "The quotes of " + place + " are never closed"
                    : "There is text after the closing quotes of " + place;
        }

        private String fieldsSentence() {
            int expected = columns.size();
            String counts = "The record has " + line.count() + " fields, the schema has " + expected + " columns: ";
            return line.count() < expected
                    ? counts + "column '" + columns.get(line.count()) + "' and what follows are missing"
                    : counts + "there are fields after column '" + columns.get(expected - 1) + "'";
        }
    }
}
