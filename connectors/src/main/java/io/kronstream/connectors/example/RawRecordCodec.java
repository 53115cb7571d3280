// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.state.Codec;
import io.kronstream.state.CodecTypeInformation;
import io.kronstream.state.Wire;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** Bytes of a {@link RawRecord} between two operators: topic, partition, source, offset, timestamp, key, value, control. */
public final class RawRecordCodec implements Codec<RawRecord> {
    private static final long serialVersionUID = 1;

    public static final TypeInformation<RawRecord> RAW_RECORD =
            new CodecTypeInformation<>(RawRecord.class, new RawRecordCodec());

    @Override
    public int layout() {
        return 3;
    }

    @Override
    public void write(RawRecord raw, DataOutput out) throws IOException {
        Wire.writeString(raw.topic(), out);
        out.writeInt(raw.partition());
        out.writeInt(raw.source());
        out.writeLong(raw.offset());
        out.writeLong(raw.timestamp());
        Wire.writeBytes(raw.key(), out);
        Wire.writeBytes(raw.value(), out);
        out.writeBoolean(raw.control());
    }

    @Override
    public RawRecord read(int layout, DataInput in) throws IOException {
        String topic = Wire.readString(in);
        int partition = in.readInt();
        return new RawRecord(
                topic,
                partition,
                layout < 3 ? partition : in.readInt(),
                in.readLong(),
                in.readLong(),
                Wire.readBytes(Wire.MAX_BYTES, in),
                Wire.readBytes(Wire.MAX_BYTES, in),
                layout > 1 && in.readBoolean());
    }
}
