// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.channel;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A piece of an encoded answer. As a record: layout byte; id of the writer and number of the answer (8 bytes each);
 * length of the answer, offset of the piece in it (4 bytes each); the model's id with its length before it (2 bytes);
 * data.
 *
 * @param model id of the model that the answer is for
 * @param writer random id of the writer
 * @param sequence number of the answer among the writer's
 * @param total length of the encoded answer
 * @param offset where the data belongs in it, a multiple of {@link #DATA_BYTES}
 * @param data the piece, of which this is a view
 */
record AnswerChunk(String model, long writer, long sequence, int total, int offset, ByteBuffer data) {
    /** Bytes of every piece but the last. */
    static final int DATA_BYTES = 512 << 10;

    /** Bytes of the longest answer: a basis of side 4096 and more. */
    static final int MAX_ANSWER_BYTES = 80 << 20;

    private static final byte LAYOUT = 1;
    private static final int PREFIX_BYTES = 1 + 2 * Long.BYTES + 2 * Integer.BYTES + Short.BYTES;

    /** The pieces of an encoded answer, as records in order. */
    static List<byte[]> cut(String model, long writer, long sequence, byte[] answer) {
        if (answer.length < 1 || answer.length > MAX_ANSWER_BYTES) {
            throw new IllegalArgumentException("The answer for model " + model + " has " + answer.length
                    + " bytes, the channel takes at most " + MAX_ANSWER_BYTES);
        }
        byte[] name = model.getBytes(StandardCharsets.UTF_8);
        if (name.length > Short.MAX_VALUE) {
            throw new IllegalArgumentException("The model's id has " + name.length + " bytes, which is too long");
        }
        List<byte[]> records = new ArrayList<>(answer.length / DATA_BYTES + 1);
        for (int offset = 0; offset < answer.length; offset += DATA_BYTES) {
            int length = Math.min(DATA_BYTES, answer.length - offset);
            records.add(ByteBuffer.allocate(PREFIX_BYTES + name.length + length)
                    .put(LAYOUT)
                    .putLong(writer)
                    .putLong(sequence)
                    .putInt(answer.length)
                    .putInt(offset)
                    .putShort((short) name.length)
                    .put(name)
                    .put(answer, offset, length)
                    .array());
        }
        return records;
    }

    /** @throws IllegalArgumentException if this record is no piece of an answer that this code reads */
    static AnswerChunk parse(byte[] bytes) {
        if (bytes == null || bytes.length <= PREFIX_BYTES) {
            throw new IllegalArgumentException("A record of the channel has more than " + PREFIX_BYTES + " bytes");
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        byte layout = buffer.get();
        if (layout != LAYOUT) {
            throw new IllegalArgumentException("Channel layout " + layout + " is not this job's " + LAYOUT);
        }
        long writer = buffer.getLong();
        long sequence = buffer.getLong();
        int total = buffer.getInt();
        int offset = buffer.getInt();
        int nameLength = buffer.getShort();
        if (nameLength < 0 || nameLength > buffer.remaining()) {
            throw new IllegalArgumentException("A record of the channel ends inside the model's id");
        }
        String model = new String(bytes, buffer.position(), nameLength, StandardCharsets.UTF_8);
        buffer.position(buffer.position() + nameLength);
        boolean fits = total >= 1
                && total <= MAX_ANSWER_BYTES
                && offset >= 0
                && offset < total
                && offset % DATA_BYTES == 0
                && buffer.remaining() == Math.min(DATA_BYTES, total - offset);
        if (!fits) {
            throw new IllegalArgumentException(
                    "A record of the channel does not fit in an answer of " + total + " bytes");
        }
        return new AnswerChunk(model, writer, sequence, total, offset, buffer);
    }
}
