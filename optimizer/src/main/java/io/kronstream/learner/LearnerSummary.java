// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.ByteArrayInputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How far a stored learner is: the part of a {@link Learner#header()} that can be read without its settings, and with
 * which each of them begins.
 *
 * @param configuration digest of its {@link LearnerLayout}
 * @param step steps taken
 * @param examples examples learned
 * @param version last version that was published
 * @param publishedStep step of that version
 * @param failedRefreshes refreshes whose decomposition failed
 * @param skippedRefreshes refreshes that were not needed
 * @param finished whether its stream has ended
 * @param trainedFrom first offset taken of each partition; empty in states of layouts 1 and 2
 * @param trainedThrough last offset taken of each partition
 */
public record LearnerSummary(
        String configuration,
        long step,
        long examples,
        long version,
        long publishedStep,
        long failedRefreshes,
        long skippedRefreshes,
        boolean finished,
        SortedMap<Integer, Long> trainedFrom,
        SortedMap<Integer, Long> trainedThrough) {

    /** Of the whole header. */
    private static final int LAYOUT = 3;

    /** From this layout on a header ends with a {@link Helm}. */
    static final int LAYOUT_WITH_HELM = 2;

    private static final int LAYOUT_WITH_BEGINNINGS = 3;

    /**
     * What a header says of its learner.
     *
     * @throws IllegalArgumentException if its layout is newer than this code's
     */
    public static LearnerSummary of(byte[] header) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(header))) {
            return read(in);
        } catch (IOException e) {
            throw new UncheckedIOException("The header of a learner cannot be read", e);
        }
    }

    void write(DataOutput out) throws IOException {
        out.writeByte(LAYOUT);
        out.writeUTF(configuration);
        out.writeLong(step);
        out.writeLong(examples);
        out.writeLong(version);
        out.writeLong(publishedStep);
        out.writeLong(failedRefreshes);
        out.writeLong(skippedRefreshes);
        out.writeBoolean(finished);
        writeOffsets(trainedFrom, out);
        writeOffsets(trainedThrough, out);
    }

    private static void writeOffsets(SortedMap<Integer, Long> offsets, DataOutput out) throws IOException {
        out.writeInt(offsets.size());
        for (var entry : offsets.entrySet()) {
            out.writeInt(entry.getKey());
            out.writeLong(entry.getValue());
        }
    }

    static LearnerSummary read(DataInput in) throws IOException {
        int layout = in.readUnsignedByte();
        if (layout > LAYOUT) {
            throw new IllegalArgumentException(
                    "Learner layout " + layout + " is newer than this job's " + LAYOUT + "; upgrade the job");
        }
        return new LearnerSummary(
                in.readUTF(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readBoolean(),
                layout < LAYOUT_WITH_BEGINNINGS ? new TreeMap<>() : readOffsets(in),
                readOffsets(in));
    }

    private static SortedMap<Integer, Long> readOffsets(DataInput in) throws IOException {
        SortedMap<Integer, Long> offsets = new TreeMap<>();
        int partitions = Bounds.count(in.readInt(), "partitions");
        for (int i = 0; i < partitions; i++) {
            offsets.put(in.readInt(), in.readLong());
        }
        return offsets;
    }
}
