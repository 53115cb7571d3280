// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.util.InstantiationUtil;

/**
 * What a savepoint says of a {@link CodecSerializer}: the codec and the newest layout that may occur. State with older
 * layouts is read as it is, since every value names its own; state with newer ones is refused.
 */
public final class CodecSerializerSnapshot<T> implements TypeSerializerSnapshot<T> {
    private static final int VERSION = 1;

    private Codec<T> codec;
    private int layout;

    /** For Flink, which calls {@link #readSnapshot} next. */
    public CodecSerializerSnapshot() {}

    CodecSerializerSnapshot(Codec<T> codec) {
        this.codec = codec;
        this.layout = codec.layout();
    }

    @Override
    public int getCurrentVersion() {
        return VERSION;
    }

    @Override
    public void writeSnapshot(DataOutputView out) throws IOException {
        out.writeUTF(codec.getClass().getName());
        out.writeInt(layout);
    }

    @Override
    @SuppressWarnings("unchecked")
    public void readSnapshot(int version, DataInputView in, ClassLoader classLoader) throws IOException {
        if (version > VERSION) {
            throw new IOException(
                    "Codec snapshot version " + version + " is newer than this job's " + VERSION + "; upgrade the job");
        }
        Class<Codec<?>> type = InstantiationUtil.resolveClassByName(in, classLoader, Codec.class);
        codec = (Codec<T>) InstantiationUtil.instantiate(type);
        layout = in.readInt();
        codec.checkLayout(layout);
    }

    @Override
    public TypeSerializer<T> restoreSerializer() {
        return new CodecSerializer<>(codec);
    }

    @Override
    public TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(TypeSerializerSnapshot<T> before) {
        return before instanceof CodecSerializerSnapshot<T> that && that.codec.getClass() == codec.getClass()
                ? TypeSerializerSchemaCompatibility.compatibleAsIs()
                : TypeSerializerSchemaCompatibility.incompatible();
    }
}
