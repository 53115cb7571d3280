// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A piece of a version's payload. As a record: layout byte, version (8 bytes, big-endian), data.
 *
 * @param version the version that it was written for; later ones may use it too
 * @param data the bytes; never changed after construction
 */
record ModelChunk(long version, byte[] data) {
    static final int PREFIX_BYTES = 1 + Long.BYTES;

    private static final byte LAYOUT = 1;

    byte[] toBytes() {
        return ByteBuffer.allocate(PREFIX_BYTES + data.length)
                .put(LAYOUT)
                .putLong(version)
                .put(data)
                .array();
    }

    /** @throws IllegalArgumentException if these bytes are no chunk of a layout that this code reads */
    static ModelChunk fromBytes(byte[] bytes) {
        if (bytes.length < PREFIX_BYTES) {
            throw new IllegalArgumentException(
                    "A chunk of a model has at least " + PREFIX_BYTES + " bytes, this one " + bytes.length);
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        byte layout = buffer.get();
        if (layout != LAYOUT) {
            throw new IllegalArgumentException(
                    "Chunk layout " + layout + " is not this reader's " + LAYOUT + "; upgrade the reader");
        }
        long version = buffer.getLong();
        byte[] data = new byte[buffer.remaining()];
        buffer.get(data);
        return new ModelChunk(version, data);
    }

    /** SHA-256 in hexadecimal. */
    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
