// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.csv;

import io.kronstream.connectors.ConnectorException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;

/**
 * A file of comma-separated values: a header line, then one record per line, in UTF-8, plain or compressed by gzip
 * (told by its first bytes, not by its name). It is read as a stream: its size does not matter. Blank lines are
 * skipped. A record is handed out as the bytes of its line, whatever they are, because it is for the decoder to judge
 * them; but line breaks inside quotes are refused, since every line becomes a record of its own.
 *
 * <p>Failures are {@link ConnectorException}s that name the file and the line.
 */
public final class CsvFile {

    /** Columns of the widest file. */
    public static final int MAX_COLUMNS = 65_536;

    private final Path path;
    private final List<String> header;

    private CsvFile(Path path, List<String> header) {
        this.path = path;
        this.header = List.copyOf(header);
    }

    /** Opens a file and reads its header. */
    public static CsvFile open(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new ConnectorException(Files.exists(path) ? path + " is not a file" : "There is no file " + path);
        }
        try (LineReader reader = new LineReader(Files.newInputStream(path))) {
            byte[] line = whole(reader);
            if (line == null) {
                throw new ConnectorException(path + " is empty: its first line must name the columns");
            }
            return new CsvFile(path, header(path.toString(), line));
        } catch (IOException e) {
            throw unreadable(path, 1, e);
        }
    }

    private static byte[] whole(LineReader reader) throws IOException {
        byte[] line = reader.next();
        if (line != null && line.length > LineReader.MAX_LINE_BYTES) {
            throw new IOException("it is longer than " + LineReader.MAX_LINE_BYTES + " bytes");
        }
        return line;
    }

    /**
     * The columns that a header line names.
     *
     * @param path of the file, for messages
     * @throws ConnectorException if it does not name columns
     */
    public static List<String> header(String path, byte[] line) {
        byte[] names = withoutByteOrderMark(line);
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(names));
        } catch (CharacterCodingException e) {
            throw new ConnectorException("The header line of " + path + " is not UTF-8 text");
        }
        CsvLine fields = new CsvLine();
        if (fields.split(names) != CsvLine.Fault.NONE) {
            throw new ConnectorException("The quotes in the header line of " + path + " do not match");
        }
        if (fields.count() > MAX_COLUMNS) {
            throw new ConnectorException(
                    path + " has " + fields.count() + " columns, at most " + MAX_COLUMNS + " are read");
        }
        List<String> columns = new ArrayList<>(fields.count());
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < fields.count(); i++) {
            String column = fields.text(i).strip();
            if (column.isEmpty()) {
                throw new ConnectorException("Column " + (i + 1) + " of " + path + " has no name in the header line");
            }
            if (!seen.add(column)) {
                throw new ConnectorException("Column '" + column + "' occurs twice in the header line of " + path);
            }
            columns.add(column);
        }
        return columns;
    }

    private static byte[] withoutByteOrderMark(byte[] line) {
        boolean marked = line.length >= 3 && line[0] == (byte) 0xef && line[1] == (byte) 0xbb && line[2] == (byte) 0xbf;
        return marked ? Arrays.copyOfRange(line, 3, line.length) : line;
    }

    private static ConnectorException unreadable(Path path, long line, IOException e) {
        return new ConnectorException("Cannot read " + path + " at line " + line + ": " + e.getMessage());
    }

    public Path path() {
        return path;
    }

    /** Names of the columns, without spaces around them. */
    public List<String> header() {
        return header;
    }

    /** The records from the first one on; every call reads the file anew. Close it, or read it to its end. */
    public Rows rows() {
        return rows(Long.MAX_VALUE);
    }

    /** The first {@code limit} records. */
    public Rows rows(long limit) {
        try {
            return new Rows(path, limit);
        } catch (IOException e) {
            throw unreadable(path, 1, e);
        }
    }

    /** Records as the bytes of their lines, without line breaks. Closed when it has no more. */
    public static final class Rows implements Iterator<byte[]>, AutoCloseable {
        private final Path path;
        private final LineReader reader;
        private final CsvLine fields = new CsvLine();
        private long left;
        private byte[] next;

        private Rows(Path path, long limit) throws IOException {
            this.path = path;
            this.left = limit;
            this.reader = new LineReader(Files.newInputStream(path));
            reader.next(); // the header
            advance();
        }

        private void advance() {
            try {
                next = left > 0 ? whole(reader) : null;
                left--;
                if (next == null) {
                    reader.close();
                    return;
                }
            } catch (IOException e) {
                throw unreadable(path, reader.line(), e);
            }
            if (hasQuote(next) && fields.split(next) == CsvLine.Fault.UNCLOSED_QUOTES) {
                throw new ConnectorException("Line " + reader.line() + " of " + path
                        + " ends inside quotes: line breaks inside quotes are not supported");
            }
        }

        private static boolean hasQuote(byte[] line) {
            for (byte b : line) {
                if (b == '"') {
                    return true;
                }
            }
            return false;
        }

        @Override
        public boolean hasNext() {
            return next != null;
        }

        @Override
        public byte[] next() {
            if (next == null) {
                throw new NoSuchElementException(path.toString());
            }
            byte[] row = next;
            advance();
            return row;
        }

        @Override
        public void close() {
            next = null;
            left = 0;
            try {
                reader.close();
            } catch (IOException e) {
                throw unreadable(path, reader.line(), e);
            }
        }
    }
}
