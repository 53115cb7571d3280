// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which examples a learner took since its last published version, in which order, and where something other than the
 * count closed a mini-batch. Together with the examples themselves this is all that a replay needs.
 *
 * <p>An entry is a run: consecutive examples of the model from one partition. A record may hold several examples, and a
 * run may start and end inside a record. Entries are variable-length numbers: 0 and 1 are marks, {@code partition + 2}
 * starts a run, followed by the offset of its first example as a signed difference from that of the last example of the
 * partition's run before in this segment, the difference from there to its own last offset, and the number of its
 * examples. A run costs four to eight bytes, however long it is.
 */
public final class Journal {

    /** What a journal tells, in order. */
    public interface Visitor {
        /**
         * The model's next examples of a partition were taken.
         *
         * @param from the offset of the first
         * @param to the offset of the last
         * @param examples how many
         */
        void run(int partition, long from, long to, long examples);

        /** The open mini-batch was closed before it was full. */
        void closed();

        /** The stream ended. */
        void finished();
    }

    private static final int CLOSED = 0;
    private static final int FINISHED = 1;
    private static final int FIRST_PARTITION = 2;
    private static final int MAX_BYTES = 1 << 28;

    private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
    private final Map<Integer, Long> ends = new TreeMap<>();
    private int partition = -1;
    private long from;
    private long to;
    private long examples;

    void took(int examplePartition, long offset) {
        if (examplePartition != partition || offset < to) {
            endRun();
            partition = examplePartition;
            from = offset;
        }
        to = offset;
        examples++;
    }

    void closed() {
        endRun();
        writeNumber(CLOSED);
    }

    void finished() {
        endRun();
        writeNumber(FINISHED);
    }

    /** The entries so far; what follows belongs to the next segment. */
    byte[] take() {
        endRun();
        byte[] taken = entries.toByteArray();
        entries.reset();
        ends.clear();
        return taken;
    }

    int bytes() {
        return entries.size();
    }

    private void endRun() {
        if (partition < 0) {
            return;
        }
        writeNumber(FIRST_PARTITION + (long) partition);
        long difference = from - ends.getOrDefault(partition, 0L);
        writeNumber(difference << 1 ^ difference >> 63);
        writeNumber(to - from);
        writeNumber(examples);
        ends.put(partition, to);
        partition = -1;
        examples = 0;
    }

    private void writeNumber(long number) {
        long rest = number;
        while ((rest & ~0x7FL) != 0) {
            entries.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        entries.write((int) rest);
    }

    /**
     * Tells a visitor what a segment says.
     *
     * @throws IllegalArgumentException if the bytes are damaged
     */
    public static void replay(JournalSegment segment, Visitor visitor) {
        new Cursor(segment.entries()).replay(visitor);
    }

    void write(DataOutput out) throws IOException {
        out.writeInt(entries.size());
        out.write(entries.toByteArray());
        out.writeInt(ends.size());
        for (Map.Entry<Integer, Long> end : ends.entrySet()) {
            out.writeInt(end.getKey());
            out.writeLong(end.getValue());
        }
        out.writeInt(partition);
        out.writeLong(from);
        out.writeLong(to);
        out.writeLong(examples);
    }

    void read(DataInput in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > MAX_BYTES) {
            throw new IOException("A journal of " + length + " bytes cannot be right");
        }
        byte[] stored = new byte[length];
        in.readFully(stored);
        entries.writeBytes(stored);
        int partitions = in.readInt();
        if (partitions < 0 || partitions > length) {
            throw new IOException("A journal of " + length + " bytes cannot have " + partitions + " partitions");
        }
        for (int i = 0; i < partitions; i++) {
            ends.put(in.readInt(), in.readLong());
        }
        partition = in.readInt();
        from = in.readLong();
        to = in.readLong();
        examples = in.readLong();
    }

    /** A place in the bytes of a segment. */
    private static final class Cursor {
        private final byte[] bytes;
        private int at;

        Cursor(byte[] bytes) {
            this.bytes = bytes;
        }

        void replay(Visitor visitor) {
            Map<Integer, Long> ends = new TreeMap<>();
            while (at < bytes.length) {
                long token = readNumber();
                if (token == CLOSED) {
                    visitor.closed();
                } else if (token == FINISHED) {
                    visitor.finished();
                } else {
                    long number = token - FIRST_PARTITION;
                    if (number < 0 || number > Integer.MAX_VALUE) {
                        throw new IllegalArgumentException("The journal names partition " + number);
                    }
                    int partition = (int) number;
                    long coded = readNumber();
                    long from = ends.getOrDefault(partition, 0L) + (coded >>> 1 ^ -(coded & 1));
                    long to = from + readNumber();
                    ends.put(partition, to);
                    visitor.run(partition, from, to, readNumber());
                }
            }
        }

        private long readNumber() {
            long number = 0;
            for (int shift = 0; shift < Long.SIZE; shift += 7) {
                if (at == bytes.length) {
                    throw new IllegalArgumentException("The journal ends in the middle of a number");
                }
                byte next = bytes[at++];
                number |= (next & 0x7FL) << shift;
                if (next >= 0) {
                    return number;
                }
            }
            throw new IllegalArgumentException("The journal has a number that is too long");
        }
    }
}
