// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.file;

import io.kronstream.connectors.format.AvroFormat;
import io.kronstream.connectors.format.RowFormat;
import io.kronstream.connectors.format.UndecodableException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.apache.avro.Schema;
import org.xerial.snappy.Snappy;

/**
 * The rows of an Avro container file, each as a value that names its schema by a number: a zero byte, four bytes, the row.
 * The number is the caller's, the schema that in the file's head ({@link AvroFileSchemas}).
 *
 * <p>Rows lie in blocks, each of which says how many there are, how many bytes they take, and ends with a marker that is the
 * file's own. Of a block that cannot be read one value comes that names the schema {@value #BROKEN}, which there is not; so
 * it is rejected. What comes behind the next marker is read again. The rows before the place where a block does not fit the
 * schema are read.
 *
 * <p>The file is read as a stream, a block at a time, so its size does not matter. No length in it is believed: Avro's own
 * reader asks for as much memory as a block says. Not thread-safe.
 */
final class AvroBlocks implements RecordReader {
    /** In place of the number of a schema: a block is broken. */
    static final int BROKEN = -1;

    /** Bytes of the largest block, compressed or not; writers begin a new one after 16 KiB to some MiB. */
    static final int MAX_BLOCK_BYTES = 32 << 20;

    private static final byte[] MAGIC = {'O', 'b', 'j', 1};
    private static final int MARKER_BYTES = 16;
    private static final int MAX_HEAD_BYTES = 2 << 20;
    private static final int MAX_HEAD_ENTRIES = 1000;
    private static final int PIECE_BYTES = 64 << 10;
    private static final int HEADER_BYTES = 1 + Integer.BYTES;
    /** Snappy takes at least three bytes for 64. */
    private static final int SNAPPY_RATIO = 22;

    private static final String SCHEMA = "avro.schema";
    private static final String CODEC = "avro.codec";

    private final InputStream in;
    private final int schemaNumber;
    private final Schema schema;
    private final Codec codec;
    private final byte[] marker;
    private final AvroFormat.Walk walk;

    private byte[] block = {};
    private int position;
    private long rows;
    private long number;

    /**
     * @param file is closed with this reader, and if this fails
     * @param schemaNumber by which values name the schema
     * @throws IOException if the file cannot be read, or is none of Avro's
     */
    AvroBlocks(InputStream file, int schemaNumber) throws IOException {
        this.in = new BufferedInputStream(file, PIECE_BYTES);
        this.schemaNumber = schemaNumber;
        try {
            if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
                throw new IOException("it is no Avro file");
            }
            Map<String, byte[]> head = head();
            this.marker = exactly(MARKER_BYTES);
            this.schema = schema(head.get(SCHEMA));
            this.codec = codec(head.get(CODEC));
            this.walk = new AvroFormat.Walk(schema);
        } catch (EOFException e) {
            file.close();
            throw new IOException("it ends within its head");
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    /** The schema in the head of a file, which is closed. */
    static Schema schema(InputStream file) throws IOException {
        try (AvroBlocks blocks = new AvroBlocks(file, 0)) {
            return blocks.schema;
        }
    }

    private Map<String, byte[]> head() throws IOException {
        Map<String, byte[]> head = new HashMap<>();
        int bytes = 0;
        int entries = 0;
        for (long count = integer(); count != 0; count = integer()) {
            if (count < 0) {
                count = -count;
                integer(); // the bytes of these entries, for those that skip them
            }
            for (long left = count; left != 0; left--) {
                byte[] key = exactly(length(MAX_HEAD_BYTES - bytes));
                byte[] value = exactly(length(MAX_HEAD_BYTES - bytes - key.length));
                bytes += key.length + value.length;
                if (++entries > MAX_HEAD_ENTRIES) {
                    throw new IOException("its head has more than " + MAX_HEAD_ENTRIES + " entries");
                }
                head.put(new String(key, StandardCharsets.UTF_8), value);
            }
        }
        return head;
    }

    private static Schema schema(byte[] json) throws IOException {
        if (json == null) {
            throw new IOException("its head has no schema");
        }
        try {
            return AvroFormat.recordSchema(new String(json, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            throw new IOException("its schema cannot be used: " + e.getMessage());
        }
    }

    private static Codec codec(byte[] name) throws IOException {
        String codec = name == null ? "null" : new String(name, StandardCharsets.UTF_8);
        return switch (codec) {
            case "null" -> Codec.NULL;
            case "deflate" -> Codec.DEFLATE;
            case "snappy" -> Codec.SNAPPY;
            default -> throw new IOException(
                    "its blocks are compressed with '" + codec.substring(0, Math.min(20, codec.length()))
                            + "': write it with 'deflate', 'snappy' or 'null'");
        };
    }

    @Override
    public long number() {
        return number;
    }

    @Override
    public byte[] next() throws IOException {
        number++;
        while (position == block.length && rows == 0) {
            Block next = block();
            if (next == Block.END) {
                return null;
            }
            if (next == Block.BROKEN) {
                return value(BROKEN, 0, 0);
            }
        }
        if (rows == 0) {
            return rest(); // bytes behind the last row
        }
        int from = position;
        try {
            position = walk.end(block, from, block.length);
        } catch (UndecodableException e) {
            return rest();
        }
        rows--;
        return value(schemaNumber, from, position);
    }

    /** One value for all that is left of the block. */
    private byte[] rest() {
        rows = 0;
        int from = position;
        position = block.length;
        return value(BROKEN, from, position);
    }

    /** Of a larger row only the beginning is kept, so that it is rejected. */
    private byte[] value(int schemaNumber, int from, int to) {
        int length = Math.min(to - from, RowFormat.MAX_VALUE_BYTES + 1 - HEADER_BYTES);
        return ByteBuffer.allocate(HEADER_BYTES + length)
                .put((byte) 0)
                .putInt(schemaNumber)
                .put(block, from, length)
                .array();
    }

    private enum Codec {
        NULL,
        DEFLATE,
        SNAPPY
    }

    private enum Block {
        READ,
        BROKEN,
        END
    }

    /** Reads a block, or what is left of a broken one and the marker behind it. */
    private Block block() throws IOException {
        block = new byte[0];
        position = 0;
        rows = 0;
        in.mark(1);
        if (in.read() < 0) {
            return Block.END;
        }
        in.reset();
        byte[] bytes;
        long count;
        try {
            count = integer();
            if (count < 0) {
                throw new MalformedLength("a block of it has " + count + " rows");
            }
            bytes = exactly(length(MAX_BLOCK_BYTES));
        } catch (EOFException e) {
            return Block.BROKEN;
        } catch (MalformedLength e) {
            findMarker(new byte[0]);
            return Block.BROKEN;
        }
        byte[] end = in.readNBytes(MARKER_BYTES);
        if (!Arrays.equals(end, marker)) {
            findMarker(end);
            return Block.BROKEN;
        }
        byte[] rowBytes =
                switch (codec) {
                    case NULL -> bytes;
                    case DEFLATE -> inflated(bytes);
                    case SNAPPY -> unsnapped(bytes);
                };
        // Rows of no bytes at all would cost time that nothing bounds.
        if (rowBytes == null || count > rowBytes.length) {
            return Block.BROKEN;
        }
        block = rowBytes;
        rows = count;
        return Block.READ;
    }

    /** Reads to the end of the next marker, or of the file. */
    private void findMarker(byte[] begun) throws IOException {
        byte[] window = new byte[MARKER_BYTES];
        System.arraycopy(begun, 0, window, 0, begun.length);
        // a ring: the oldest byte is at 'oldest'
        int oldest = begun.length % MARKER_BYTES;
        long seen = begun.length;
        while (seen < MARKER_BYTES || !isMarker(window, oldest)) {
            int next = in.read();
            if (next < 0) {
                return;
            }
            window[oldest] = (byte) next;
            oldest = (oldest + 1) % MARKER_BYTES;
            seen++;
        }
    }

    private boolean isMarker(byte[] window, int oldest) {
        for (int i = 0; i < MARKER_BYTES; i++) {
            if (window[(oldest + i) % MARKER_BYTES] != marker[i]) {
                return false;
            }
        }
        return true;
    }

    /** Null if it is no such data, or more than a block may hold. */
    private static byte[] inflated(byte[] deflated) {
        Inflater inflater = new Inflater(true);
        try {
            inflater.setInput(deflated);
            List<byte[]> pieces = new ArrayList<>();
            int bytes = 0;
            byte[] piece = new byte[Math.min(PIECE_BYTES, 1024 + 4 * deflated.length)];
            while (true) {
                int count = inflater.inflate(piece);
                bytes += count;
                if (bytes > MAX_BLOCK_BYTES) {
                    return null;
                }
                pieces.add(count == piece.length ? piece : Arrays.copyOf(piece, count));
                if (inflater.finished()) {
                    break;
                }
                if (count == 0) {
                    return null; // it wants more bytes, or a dictionary
                }
                piece = new byte[PIECE_BYTES];
            }
            ByteBuffer all = ByteBuffer.allocate(bytes);
            pieces.forEach(all::put);
            return all.array();
        } catch (DataFormatException e) {
            return null;
        } finally {
            inflater.end();
        }
    }

    /** The same; behind such data is the checksum of what it stands for. */
    private static byte[] unsnapped(byte[] snapped) {
        int length = snapped.length - Integer.BYTES;
        if (length < 1) {
            return null;
        }
        try {
            int bytes = Snappy.uncompressedLength(snapped, 0, length);
            if (bytes < 0 || bytes > Math.min(MAX_BLOCK_BYTES, (long) length * SNAPPY_RATIO)) {
                return null;
            }
            byte[] all = new byte[bytes];
            CRC32 checksum = new CRC32();
            int read = Snappy.uncompress(snapped, 0, length, all, 0);
            checksum.update(all);
            boolean same = (int) checksum.getValue() == ByteBuffer.wrap(snapped).getInt(length);
            return read == bytes && same ? all : null;
        } catch (IOException e) {
            return null;
        }
    }

    /** A length or a count that cannot be. */
    private static final class MalformedLength extends IOException {
        private static final long serialVersionUID = 1;

        MalformedLength(String problem) {
            super(problem);
        }
    }

    private int length(int most) throws IOException {
        long length = integer();
        if (length < 0 || length > most) {
            throw new MalformedLength("a length of " + length + " in it is beyond what it may be");
        }
        return (int) length;
    }

    /** So many bytes; memory grows with what is there, not with what is asked for. */
    private byte[] exactly(int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException();
        }
        return bytes;
    }

    /** As {@link AvroFormat} has them. */
    private long integer() throws IOException {
        long zigzag = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            int part = in.read();
            if (part < 0) {
                throw new EOFException();
            }
            zigzag |= (long) (part & 0x7f) << shift;
            if (part < 0x80) {
                return zigzag >>> 1 ^ -(zigzag & 1);
            }
        }
        throw new MalformedLength("a whole number in it has more than ten bytes");
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
