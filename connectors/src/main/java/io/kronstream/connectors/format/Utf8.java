// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/** Refuses what is not UTF-8. ASCII costs a look at every eight bytes; other text is decoded into a small buffer. */
final class Utf8 {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private static final long HIGH_BITS = 0x8080808080808080L;

    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private final CharBuffer scratch = CharBuffer.allocate(4096);

    /** @param what begins the sentence, such as "The record" */
    void require(byte[] bytes, String what) throws UndecodableException {
        require(bytes, 0, bytes.length, what);
    }

    void require(byte[] bytes, int from, int to, String what) throws UndecodableException {
        if (!isAscii(bytes, from, to) && !valid(ByteBuffer.wrap(bytes, from, to - from))) {
            throw new UndecodableException("encoding", what + " is not UTF-8 text");
        }
    }

    private static boolean isAscii(byte[] bytes, int from, int to) {
        int i = from;
        for (; i + Long.BYTES <= to; i += Long.BYTES) {
            if (((long) LONGS.get(bytes, i) & HIGH_BITS) != 0) {
                return false;
            }
        }
        for (; i < to; i++) {
            if (bytes[i] < 0) {
                return false;
            }
        }
        return true;
    }

    private boolean valid(ByteBuffer text) {
        decoder.reset();
        while (true) {
            scratch.clear();
            CoderResult result = decoder.decode(text, scratch, true);
            if (!result.isOverflow()) {
                return !result.isError();
            }
        }
    }
}
