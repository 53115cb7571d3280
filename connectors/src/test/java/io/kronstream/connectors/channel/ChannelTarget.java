// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.channel;

import io.kronstream.connectors.fuzz.Fuzzed;
import io.kronstream.state.RefreshAnswerCodec;
import java.nio.ByteBuffer;
import java.util.Optional;

/** What the fuzzer calls to read the channel: records with their length in two bytes, as one writer may have sent them. */
public final class ChannelTarget {
    private ChannelTarget() {}

    public static void fuzzerTestOneInput(byte[] data) {
        // the first piece of an answer says how long it is, and memory for it is made then
        Fuzzed.run(data, 3L * AnswerChunk.MAX_ANSWER_BYTES, () -> {
            AnswerAssembler assembler = new AnswerAssembler(AnswerChunk.MAX_ANSWER_BYTES);
            ByteBuffer records = ByteBuffer.wrap(data);
            for (int pieces = 0; records.remaining() > 2 && pieces < 2; pieces++) {
                byte[] record = new byte[Math.min(records.getShort() & 0xffff, records.remaining())];
                records.get(record);
                Optional<byte[]> answer = assembler.accept(AnswerChunk.parse(record));
                if (answer.isPresent()) {
                    new RefreshAnswerCodec().fromBytes(answer.get());
                }
            }
            return null;
        });
    }
}
