// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.io.Serializable;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * The bytes of one type. Every value carries its layout as its first byte, so that older values stay readable beside
 * newer ones. A codec has no state and a public constructor without arguments, and its class name is part of saved
 * state: it is never renamed.
 *
 * @param <T> an immutable type
 */
public interface Codec<T> extends Serializable {

    /** The layout that {@link #write} writes, from 1 to 127; every lower one can be read. */
    int layout();

    /** Writes the value without its layout byte. */
    void write(T value, DataOutput out) throws IOException;

    /** Reads a value of a layout up to {@link #layout()}; sizes are checked before anything is allocated for them. */
    T read(int layout, DataInput in) throws IOException;

    /** What messages call the type. */
    default String name() {
        return getClass().getSimpleName().replaceFirst("Codec$", "");
    }

    /** Writes the layout byte and the value. */
    default void writeWithLayout(T value, DataOutput out) throws IOException {
        out.writeByte(layout());
        write(value, out);
    }

    /**
     * Reads what {@link #writeWithLayout} of this or an older release wrote.
     *
     * @throws IOException if the layout is newer than this code's
     */
    default T readWithLayout(DataInput in) throws IOException {
        int layout = in.readByte();
        checkLayout(layout);
        return read(layout, in);
    }

    default byte[] toBytes(T value) {
        try {
            DataOutputSerializer out = new DataOutputSerializer(256);
            writeWithLayout(value, out);
            return out.getCopyOfBuffer();
        } catch (IOException e) {
            throw new IllegalArgumentException(name() + " cannot be written: " + e.getMessage(), e);
        }
    }

    /**
     * Reads exactly these bytes.
     *
     * @throws IOException if they are not one whole value, or one of a newer layout
     */
    default T fromBytes(byte[] bytes) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(bytes);
        T value = readWithLayout(in);
        if (in.available() > 0) {
            throw new IOException(name() + " is followed by " + in.available() + " bytes that do not belong to it");
        }
        return value;
    }

    /** Refuses layouts that this code cannot read. */
    default void checkLayout(int layout) throws IOException {
        if (layout > layout()) {
            throw new IOException(
                    name() + " layout " + layout + " is newer than this job's " + layout() + "; upgrade the job");
        }
        if (layout < 1) {
            throw new IOException(name() + " layout " + layout + " does not exist; the bytes are damaged");
        }
    }
}
