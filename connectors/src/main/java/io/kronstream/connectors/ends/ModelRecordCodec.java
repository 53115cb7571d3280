// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import io.kronstream.connectors.model.ModelRecord;
import io.kronstream.state.Codec;
import io.kronstream.state.CodecTypeInformation;
import io.kronstream.state.Wire;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** Bytes of a {@link ModelRecord} between two operators: model, key, value. */
public final class ModelRecordCodec implements Codec<ModelRecord> {
    private static final long serialVersionUID = 1;

    public static final TypeInformation<ModelRecord> MODEL_RECORD =
            new CodecTypeInformation<>(ModelRecord.class, new ModelRecordCodec());

    @Override
    public int layout() {
        return 1;
    }

    @Override
    public void write(ModelRecord model, DataOutput out) throws IOException {
        Wire.writeString(model.model(), out);
        Wire.writeString(model.key(), out);
        Wire.writeBytes(model.value(), out);
    }

    @Override
    public ModelRecord read(int layout, DataInput in) throws IOException {
        return new ModelRecord(Wire.readString(in), Wire.readString(in), Wire.readBytes(Wire.MAX_BYTES, in));
    }
}
