// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.file;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.apache.flink.api.connector.source.SourceSplit;

/**
 * How far files have been read.
 *
 * @param file place of the file that is being read
 * @param name its name, or empty before the first
 * @param line its last line that was read; 0 for none
 * @param records records read from all files
 */
public record FilePosition(int file, String name, long line, long records) implements SourceSplit {
    /** Before the first record. */
    public static final FilePosition START = new FilePosition(0, "", 0, 0);

    @Override
    public String splitId() {
        return "files";
    }

    void write(DataOutput out) throws IOException {
        out.writeInt(file);
        out.writeUTF(name);
        out.writeLong(line);
        out.writeLong(records);
    }

    static FilePosition read(DataInput in) throws IOException {
        return new FilePosition(in.readInt(), in.readUTF(), in.readLong(), in.readLong());
    }
}
