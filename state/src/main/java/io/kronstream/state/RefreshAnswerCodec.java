// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.RefreshAnswer;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Bytes of a {@link RefreshAnswer}, on Flink's edges and in every {@link TensorChannel}. */
public final class RefreshAnswerCodec implements Codec<RefreshAnswer> {
    private static final long serialVersionUID = 1;

    @Override
    public int layout() {
        return 1;
    }

    @Override
    public void write(RefreshAnswer answer, DataOutput out) throws IOException {
        checkShape(answer);
        Wire.writeString(answer.model(), out);
        out.writeInt(answer.layer());
        out.writeInt(answer.side());
        out.writeLong(answer.version());
        Wire.writeString(answer.configuration(), out);
        Wire.writeString(answer.fingerprint(), out);
        out.writeBoolean(answer.succeeded());
        out.writeInt(answer.size());
        out.writeBoolean(answer.eigenvalues().length > 0);
        Wire.writeFloats(answer.matrix(), out);
        Wire.writeFloats(answer.eigenvalues(), out);
        Wire.writeInts(answer.permutation(), out);
    }

    @Override
    public RefreshAnswer read(int layout, DataInput in) throws IOException {
        String model = Wire.readString(in);
        int layer = in.readInt();
        int side = in.readInt();
        long version = in.readLong();
        String configuration = Wire.readString(in);
        String fingerprint = Wire.readString(in);
        boolean succeeded = in.readBoolean();
        int size = Wire.readLength("a refreshed matrix' side", RefreshRequestCodec.MAX_SIDE, in);
        boolean hasEigenvalues = in.readBoolean();
        float[] matrix = Wire.readFloats(succeeded ? size * size : 0, in);
        float[] eigenvalues = Wire.readFloats(hasEigenvalues ? size : 0, in);
        int[] permutation = Wire.readInts(succeeded ? size : 0, in);
        return new RefreshAnswer(
                model,
                layer,
                side,
                version,
                configuration,
                fingerprint,
                succeeded,
                size,
                matrix,
                eigenvalues,
                permutation);
    }

    private static void checkShape(RefreshAnswer answer) throws IOException {
        int size = answer.size();
        int columns = answer.succeeded() ? size : 0;
        if (size < 1
                || size > RefreshRequestCodec.MAX_SIDE
                || answer.matrix().length != columns * columns
                || (answer.eigenvalues().length != 0 && answer.eigenvalues().length != columns)
                || answer.permutation().length != columns) {
            throw new IOException("A refresh answer of side " + size + " cannot have a matrix of "
                    + answer.matrix().length + ", " + answer.eigenvalues().length + " eigenvalues and a permutation of "
                    + answer.permutation().length + " elements");
        }
    }
}
