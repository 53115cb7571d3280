// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * A piece of a journal segment, as a record of the journal topic: a layout byte, then the components in their order.
 *
 * @param model id of the model
 * @param version that the segment leads to
 * @param digest of that version's parameters and optimizer state
 * @param previousDigest of the version before; empty for none
 * @param index of this piece, from 0
 * @param count of the segment's pieces
 * @param entries this piece of the segment
 */
public record JournalChunk(
        String model, long version, String digest, String previousDigest, int index, int count, byte[] entries) {
    private static final int LAYOUT = 1;
    private static final int MAX_CHUNKS = 1 << 16;

    public byte[] toBytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        try {
            out.writeByte(LAYOUT);
            out.writeUTF(model);
            out.writeLong(version);
            out.writeUTF(digest);
            out.writeUTF(previousDigest);
            out.writeInt(index);
            out.writeInt(count);
            out.write(entries);
        } catch (IOException e) {
            throw new UncheckedIOException("Writing to memory failed", e);
        }
        return bytes.toByteArray();
    }

    /** @throws IllegalArgumentException if these bytes are no piece of a journal that this code reads */
    static JournalChunk fromBytes(byte[] bytes) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            int layout = in.readUnsignedByte();
            if (layout != LAYOUT) {
                throw new IllegalArgumentException(
                        "Journal layout " + layout + " is not this reader's " + LAYOUT + "; upgrade the reader");
            }
            JournalChunk chunk = new JournalChunk(
                    in.readUTF(),
                    in.readLong(),
                    in.readUTF(),
                    in.readUTF(),
                    in.readInt(),
                    in.readInt(),
                    in.readAllBytes());
            if (chunk.count < 1 || chunk.count > MAX_CHUNKS || chunk.index < 0 || chunk.index >= chunk.count) {
                throw new IllegalArgumentException("A piece of the journal of model " + chunk.model + " is malformed");
            }
            return chunk;
        } catch (IOException e) {
            throw new IllegalArgumentException("A piece of a journal is malformed: " + e.getMessage());
        }
    }
}
