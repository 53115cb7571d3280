// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.csv;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;

/**
 * Lines of a file as bytes, whatever they are; blank ones are skipped. The file is plain or compressed by gzip, told by
 * its first bytes. It is read as a stream, so its size does not matter. Not thread-safe.
 */
public final class LineReader implements AutoCloseable {
    /** Bytes of the longest line. */
    public static final int MAX_LINE_BYTES = 1 << 20;

    private final InputStream in;
    private final byte[] buffer = new byte[64 << 10];
    private final ByteArrayOutputStream partial = new ByteArrayOutputStream();
    private int position;
    private int filled;
    private long line;

    /** @param file is closed with this reader, and if this fails */
    public LineReader(InputStream file) throws IOException {
        InputStream bytes = new BufferedInputStream(file);
        try {
            bytes.mark(2);
            boolean gzip = bytes.read() == 0x1f && bytes.read() == 0x8b;
            bytes.reset();
            in = gzip ? new GZIPInputStream(bytes, 64 << 10) : bytes;
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    /** Number of the line that was read last, or could not be read; from 1. */
    public long line() {
        return line;
    }

    /** The next line without its line break, or null; of a longer one the first {@link #MAX_LINE_BYTES} + 1 bytes. */
    public byte[] next() throws IOException {
        byte[] bytes;
        do {
            line++;
            bytes = read();
        } while (bytes != null && isBlank(bytes));
        return bytes;
    }

    private byte[] read() throws IOException {
        partial.reset();
        while (true) {
            if (position == filled) {
                filled = in.read(buffer);
                position = 0;
                if (filled < 0) {
                    filled = 0;
                    return partial.size() == 0 ? null : withoutCarriageReturn();
                }
            }
            int from = position;
            while (position < filled && buffer[position] != '\n') {
                position++;
            }
            partial.write(buffer, from, Math.min(position - from, MAX_LINE_BYTES + 1 - partial.size()));
            if (position < filled) {
                position++;
                return withoutCarriageReturn();
            }
        }
    }

    private byte[] withoutCarriageReturn() {
        byte[] bytes = partial.toByteArray();
        return bytes.length > 0 && bytes[bytes.length - 1] == '\r' ? Arrays.copyOf(bytes, bytes.length - 1) : bytes;
    }

    private static boolean isBlank(byte[] bytes) {
        for (byte b : bytes) {
            if (b != ' ' && b != '\t') {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
