// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The primitives that codecs are made of. Every length is checked against a limit when it is read, and memory for a long
 * array grows with the bytes that really arrive, so that damaged bytes cannot ask for more than they bring. Float arrays
 * are copied in bulk, little-endian.
 */
public final class Wire {
    /** Longest string, in bytes of UTF-8. */
    public static final int MAX_STRING = 1 << 20;

    /** Longest byte array. */
    public static final int MAX_BYTES = 1 << 30;

    private static final int CHUNK = 1 << 15;
    private static final int TRUSTED = 1 << 16;

    private Wire() {}

    public static void writeString(String value, DataOutput out) throws IOException {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        checkLength("a string", bytes.length, MAX_STRING);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    public static String readString(DataInput in) throws IOException {
        return new String(readExactly(readLength("a string", MAX_STRING, in), in), StandardCharsets.UTF_8);
    }

    /** Reads what {@link #writeString} wrote of a model's id. */
    static String readModel(DataInput in) throws IOException {
        byte[] bytes = readExactly(readLength("a model's id", MAX_STRING, in), in);
        return ModelNames.of(bytes, 0, bytes.length);
    }

    /** Writes a string or null. */
    public static void writeText(String value, DataOutput out) throws IOException {
        out.writeBoolean(value != null);
        if (value != null) {
            writeString(value, out);
        }
    }

    /** Reads a string or null. */
    public static String readText(DataInput in) throws IOException {
        return in.readBoolean() ? readString(in) : null;
    }

    /** Writes a byte array or null. */
    public static void writeBytes(byte[] value, DataOutput out) throws IOException {
        if (value == null) {
            out.writeInt(-1);
            return;
        }
        checkLength("a byte array", value.length, MAX_BYTES);
        out.writeInt(value.length);
        out.write(value);
    }

    /** Reads a byte array of at most {@code limit} bytes, or null. */
    public static byte[] readBytes(int limit, DataInput in) throws IOException {
        int length = in.readInt();
        if (length == -1) {
            return null;
        }
        checkLength("a byte array", length, limit);
        return readExactly(length, in);
    }

    /** Writes the elements alone; the reader knows how many there are. */
    public static void writeFloats(float[] values, DataOutput out) throws IOException {
        byte[] chunk = new byte[Math.min(CHUNK, Float.BYTES * values.length)];
        for (int done = 0; done < values.length; ) {
            int count = Math.min(values.length - done, chunk.length / Float.BYTES);
            ByteBuffer.wrap(chunk)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .put(values, done, count);
            out.write(chunk, 0, Float.BYTES * count);
            done += count;
        }
    }

    /** Reads so many elements. */
    public static float[] readFloats(int length, DataInput in) throws IOException {
        float[] values = new float[Math.min(length, TRUSTED)];
        byte[] chunk = new byte[Math.min(CHUNK, Float.BYTES * values.length)];
        for (int done = 0; done < length; ) {
            if (done == values.length) {
                values = Arrays.copyOf(values, grown(values.length, length));
            }
            int count = Math.min(values.length - done, chunk.length / Float.BYTES);
            in.readFully(chunk, 0, Float.BYTES * count);
            ByteBuffer.wrap(chunk)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .get(values, done, count);
            done += count;
        }
        return values;
    }

    public static void writeInts(int[] values, DataOutput out) throws IOException {
        for (int value : values) {
            out.writeInt(value);
        }
    }

    public static int[] readInts(int length, DataInput in) throws IOException {
        int[] values = new int[Math.min(length, TRUSTED)];
        for (int done = 0; done < length; done++) {
            if (done == values.length) {
                values = Arrays.copyOf(values, grown(values.length, length));
            }
            values[done] = in.readInt();
        }
        return values;
    }

    public static void writeDoubles(double[] values, DataOutput out) throws IOException {
        for (double value : values) {
            out.writeDouble(value);
        }
    }

    public static double[] readDoubles(int length, DataInput in) throws IOException {
        double[] values = new double[Math.min(length, TRUSTED)];
        for (int done = 0; done < length; done++) {
            if (done == values.length) {
                values = Arrays.copyOf(values, grown(values.length, length));
            }
            values[done] = in.readDouble();
        }
        return values;
    }

    /** Reads a length and refuses one that is negative or above the limit. */
    public static int readLength(String what, int limit, DataInput in) throws IOException {
        int length = in.readInt();
        checkLength(what, length, limit);
        return length;
    }

    private static void checkLength(String what, int length, int limit) throws IOException {
        if (length < 0 || length > limit) {
            throw new IOException("The length of " + what + " must lie in [0, " + limit + "], was " + length);
        }
    }

    private static byte[] readExactly(int length, DataInput in) throws IOException {
        byte[] bytes = new byte[Math.min(length, TRUSTED)];
        int done = 0;
        while (true) {
            in.readFully(bytes, done, bytes.length - done);
            done = bytes.length;
            if (done == length) {
                return bytes;
            }
            bytes = Arrays.copyOf(bytes, grown(done, length));
        }
    }

    private static int grown(int present, int wanted) {
        return (int) Math.min(wanted, 2L * present);
    }
}
