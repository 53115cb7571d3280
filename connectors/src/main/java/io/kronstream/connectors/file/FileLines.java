// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.file;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.csv.CsvFile;
import io.kronstream.connectors.csv.LineReader;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.state.Origins;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.Path;

/**
 * The records of files: each line of the first file, then each of the second, and so on; of Avro files each row in place of
 * a line. A record's topic is its file, its source the place of the file, its offset its line, as an editor counts them.
 * Its timestamp is its index as seconds since the epoch, or 0 where the records have a time of their own. Of a line that is
 * too long only the beginning is kept, so that it is rejected.
 *
 * <p>Failures are {@link ConnectorException}s that name the file and the line. Not thread-safe.
 */
public final class FileLines implements AutoCloseable {

    /**
     * What the files hold.
     *
     * @param names in the order in which they are read, as URIs or paths
     * @param header what the first line of each file must say, or null if it is a record like any other
     * @param avro whether they are Avro's container files, in place of lines
     * @param timed whether the records have a time of their own
     */
    public record Files(List<String> names, List<String> header, boolean avro, boolean timed) implements Serializable {
        public Files {
            names = new ArrayList<>(names);
            header = header == null ? null : new ArrayList<>(header);
        }
    }

    /** The lines of a file. */
    private record Lines(LineReader reader) implements RecordReader {
        @Override
        public byte[] next() throws IOException {
            return reader.next();
        }

        @Override
        public long number() {
            return reader.line();
        }

        @Override
        public void close() throws IOException {
            reader.close();
        }
    }

    private final Files files;
    private RecordReader reader;
    private int file;
    private long line;
    private long records;

    /** @param from a position that these files have led to */
    public FileLines(Files files, FilePosition from) {
        this.files = files;
        this.file = from.file();
        this.line = from.line();
        this.records = from.records();
        if (!from.name().isEmpty() && !from.name().equals(name())) {
            throw new ConnectorException("The job had read " + from.name() + " up to line " + from.line()
                    + ", but in its place there is " + name() + " now: new files must come after the ones before");
        }
    }

    /** The files that names stand for: a file for itself, a directory for the files in it, by their names. */
    public static List<String> list(List<String> names) {
        List<String> files = new ArrayList<>();
        for (String name : names) {
            Path path = new Path(name);
            try {
                FileStatus found = path.getFileSystem().getFileStatus(path);
                if (!found.isDir()) {
                    files.add(name);
                    continue;
                }
                Arrays.stream(path.getFileSystem().listStatus(path))
                        .filter(each -> !each.isDir() && isVisible(each.getPath()))
                        .map(each -> each.getPath().toString())
                        .sorted()
                        .forEach(files::add);
            } catch (FileNotFoundException e) {
                throw new ConnectorException("There is no file " + name);
            } catch (IOException e) {
                throw new ConnectorException("Cannot read " + name + ": " + e.getMessage());
            }
        }
        if (files.isEmpty()) {
            throw new ConnectorException("There is no file in " + String.join(", ", names));
        }
        return files;
    }

    private static boolean isVisible(Path path) {
        return !path.getName().startsWith(".") && !path.getName().startsWith("_");
    }

    /** @throws ConnectorException if a file cannot be read or begins with another header */
    public static void check(Files files) {
        for (int file = 0; file < files.names.size(); file++) {
            try (FileLines lines = new FileLines(files, new FilePosition(file, files.names.get(file), 0, 0))) {
                lines.open();
            }
        }
    }

    /** The next record, or null at the end. */
    public RawRecord next() {
        while (file < files.names.size()) {
            if (reader == null) {
                open();
            }
            byte[] bytes = read();
            if (bytes != null) {
                line = reader.number();
                long timestamp = files.timed ? 0 : records * 1000;
                records++;
                return new RawRecord(name(), 0, Origins.number(file, 0), line, timestamp, null, bytes, false);
            }
            close();
            file++;
            line = 0;
        }
        return null;
    }

    /** Where the next record will be looked for. */
    public FilePosition position() {
        return new FilePosition(file, name(), line, records);
    }

    private String name() {
        return file < files.names.size() ? files.names.get(file) : "";
    }

    private void open() {
        Path path = new Path(name());
        try {
            InputStream bytes = path.getFileSystem().open(path);
            reader = files.avro ? new AvroBlocks(bytes, file) : new Lines(new LineReader(bytes));
        } catch (FileNotFoundException e) {
            throw new ConnectorException("There is no file " + name());
        } catch (IOException e) {
            throw new ConnectorException("Cannot read " + name() + ": " + e.getMessage());
        }
        if (files.header != null) {
            byte[] first = read();
            List<String> header = first == null ? List.of() : CsvFile.header(name(), first);
            if (!header.equals(files.header)) {
                throw new ConnectorException(name() + " has the columns " + String.join(", ", header)
                        + ", but those of the job are " + String.join(", ", files.header));
            }
        }
        while (reader.number() < line) {
            if (read() == null) {
                throw new ConnectorException(name() + " ends before line " + line + ", which was there before");
            }
        }
    }

    private byte[] read() {
        try {
            return reader.next();
        } catch (IOException e) {
            throw new ConnectorException("Cannot read " + name() + " at " + (files.avro ? "row " : "line ")
                    + reader.number() + ": " + e.getMessage());
        }
    }

    @Override
    public void close() {
        if (reader != null) {
            try {
                reader.close();
            } catch (IOException e) {
                throw new ConnectorException("Cannot close " + name() + ": " + e.getMessage());
            } finally {
                reader = null;
            }
        }
    }
}
