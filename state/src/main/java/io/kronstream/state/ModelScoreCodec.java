// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Score;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Bytes of a {@link ModelScore}. */
public final class ModelScoreCodec implements Codec<ModelScore> {
    private static final long serialVersionUID = 1;

    @Override
    public int layout() {
        return 4;
    }

    @Override
    public void write(ModelScore value, DataOutput out) throws IOException {
        Score score = value.score();
        Wire.writeString(value.model(), out);
        out.writeInt(score.partition());
        out.writeLong(score.offset());
        out.writeInt(score.row());
        out.writeLong(score.timestamp());
        out.writeLong(score.step());
        out.writeDouble(score.prediction());
        out.writeDouble(score.label());
        out.writeDouble(score.noChange());
        out.writeDouble(score.prior());
        out.writeDouble(score.weight());
        out.writeBoolean(score.answers() != null);
        if (score.answers() != null) {
            out.writeInt(score.answers().model());
            out.writeInt(score.answers().noChange());
            out.writeInt(score.answers().prior());
        }
    }

    @Override
    public ModelScore read(int layout, DataInput in) throws IOException {
        return new ModelScore(
                Wire.readString(in),
                new Score(
                        in.readInt(),
                        in.readLong(),
                        layout == 1 ? 0 : in.readInt(),
                        in.readLong(),
                        in.readLong(),
                        in.readDouble(),
                        in.readDouble(),
                        in.readDouble(),
                        in.readDouble(),
                        layout < 3 ? 1 : in.readDouble(),
                        layout > 3 && in.readBoolean()
                                ? new Score.Answers(in.readInt(), in.readInt(), in.readInt())
                                : null));
    }
}
