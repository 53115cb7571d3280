// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Bytes of a {@link DeadLetter}. */
public final class DeadLetterCodec implements Codec<DeadLetter> {
    private static final long serialVersionUID = 1;

    @Override
    public int layout() {
        return 1;
    }

    @Override
    public void write(DeadLetter letter, DataOutput out) throws IOException {
        Wire.writeString(letter.topic(), out);
        out.writeInt(letter.partition());
        out.writeLong(letter.offset());
        out.writeLong(letter.timestamp());
        Wire.writeString(letter.reason(), out);
        Wire.writeString(letter.sentence(), out);
        Wire.writeBytes(letter.key(), out);
        Wire.writeBytes(letter.value(), out);
    }

    @Override
    public DeadLetter read(int layout, DataInput in) throws IOException {
        return new DeadLetter(
                Wire.readString(in),
                in.readInt(),
                in.readLong(),
                in.readLong(),
                Wire.readString(in),
                Wire.readString(in),
                Wire.readBytes(Wire.MAX_BYTES, in),
                Wire.readBytes(Wire.MAX_BYTES, in));
    }
}
