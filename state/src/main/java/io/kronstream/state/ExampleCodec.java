// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Command;
import io.kronstream.learner.Example;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Bytes of an {@link Example}; those of layout 1 have neither a row nor a weight, those of 2 no command. */
public final class ExampleCodec implements Codec<Example> {
    private static final long serialVersionUID = 1;

    /** Most columns of one kind. */
    static final int MAX_COLUMNS = 1 << 20;

    @Override
    public int layout() {
        return 3;
    }

    @Override
    public void write(Example example, DataOutput out) throws IOException {
        Wire.writeString(example.model(), out);
        out.writeInt(example.partition());
        out.writeLong(example.offset());
        out.writeInt(example.row());
        out.writeLong(example.timestamp());
        out.writeInt(example.numeric().length);
        Wire.writeDoubles(example.numeric(), out);
        out.writeInt(example.categorical().length);
        Wire.writeInts(example.categorical(), out);
        out.writeDouble(example.label());
        out.writeDouble(example.weight());
        writeCommand(example.command(), out);
    }

    @Override
    public Example read(int layout, DataInput in) throws IOException {
        return new Example(
                Wire.readModel(in),
                in.readInt(),
                in.readLong(),
                layout == 1 ? 0 : in.readInt(),
                in.readLong(),
                Wire.readDoubles(Wire.readLength("the numeric columns", MAX_COLUMNS, in), in),
                Wire.readInts(Wire.readLength("the categorical columns", MAX_COLUMNS, in), in),
                in.readDouble(),
                layout == 1 ? 1 : in.readDouble(),
                layout < 3 ? null : readCommand(in));
    }

    private static void writeCommand(Command command, DataOutput out) throws IOException {
        out.writeBoolean(command != null);
        if (command != null) {
            Wire.writeString(command.id(), out);
            Wire.writeString(command.kind().name(), out);
            out.writeLong(command.atStep());
            Wire.writeString(command.name(), out);
            Wire.writeText(command.value(), out);
        }
    }

    private static Command readCommand(DataInput in) throws IOException {
        if (!in.readBoolean()) {
            return null;
        }
        try {
            return new Command(
                    Wire.readString(in),
                    Command.Kind.valueOf(Wire.readString(in)),
                    in.readLong(),
                    Wire.readString(in),
                    Wire.readText(in));
        } catch (IllegalArgumentException e) {
            throw new IOException("A command is damaged: " + e.getMessage(), e);
        }
    }
}
