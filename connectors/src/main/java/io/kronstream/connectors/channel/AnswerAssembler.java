// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.channel;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Puts answers together from pieces that arrive in any order, more than once, or never. Memory is bounded: when answers
 * that are not whole take too much of it, the oldest of them is given up.
 */
final class AnswerAssembler {
    private record Id(long writer, long sequence) {}

    private static final class Partial {
        final byte[] bytes;
        final BitSet present = new BitSet();

        Partial(int total) {
            bytes = new byte[total];
        }

        boolean put(AnswerChunk chunk) {
            ByteBuffer data = chunk.data().duplicate();
            data.get(bytes, chunk.offset(), data.remaining());
            present.set(chunk.offset() / AnswerChunk.DATA_BYTES);
            return present.cardinality() == (bytes.length + AnswerChunk.DATA_BYTES - 1) / AnswerChunk.DATA_BYTES;
        }
    }

    private final long maxBytes;
    private final Map<Id, Partial> partials = new LinkedHashMap<>();
    private long bytes;
    private long abandoned;

    /** @param maxBytes what answers that are not whole may take, at least one answer's length */
    AnswerAssembler(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** Takes a piece; the whole answer if it was the last one missing. */
    Optional<byte[]> accept(AnswerChunk chunk) {
        Id id = new Id(chunk.writer(), chunk.sequence());
        Partial partial = partials.get(id);
        if (partial == null) {
            partial = new Partial(chunk.total());
            partials.put(id, partial);
            bytes += chunk.total();
            giveUpOldest();
        } else if (partial.bytes.length != chunk.total()) {
            throw new IllegalArgumentException("Two records of the channel disagree about the length of an answer");
        }
        if (!partial.put(chunk)) {
            return Optional.empty();
        }
        partials.remove(id);
        bytes -= partial.bytes.length;
        return Optional.of(partial.bytes);
    }

    private void giveUpOldest() {
        Iterator<Partial> oldest = partials.values().iterator();
        while (bytes > maxBytes && partials.size() > 1) {
            bytes -= oldest.next().bytes.length;
            oldest.remove();
            abandoned++;
        }
    }

    /** Bytes that answers which are not whole take now. */
    long bytes() {
        return bytes;
    }

    /** Answers that were given up. */
    long abandoned() {
        return abandoned;
    }
}
