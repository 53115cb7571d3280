// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.fuzz;

import io.kronstream.connectors.ends.ModelRecordCodec;
import io.kronstream.connectors.example.RawRecordCodec;
import io.kronstream.state.Codec;
import io.kronstream.state.DeadLetterCodec;
import io.kronstream.state.ExampleCodec;
import io.kronstream.state.LearnerLayoutCodec;
import io.kronstream.state.ModelScoreCodec;
import io.kronstream.state.ParkedExamplesCodec;
import io.kronstream.state.PublishedModelCodec;
import io.kronstream.state.RefreshAnswerCodec;
import io.kronstream.state.RefreshRequestCodec;
import java.util.Arrays;
import java.util.List;

/** What the fuzzer calls to read what lies in state and on wires: the first byte says of which type it is. */
public final class CodecTargets {
    private static final List<Codec<?>> CODECS = List.of(
            new DeadLetterCodec(),
            new ExampleCodec(),
            new LearnerLayoutCodec(),
            new ModelScoreCodec(),
            new ParkedExamplesCodec(),
            new PublishedModelCodec(),
            new RefreshAnswerCodec(),
            new RefreshRequestCodec(),
            new RawRecordCodec(),
            new ModelRecordCodec());

    private CodecTargets() {}

    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length > 0) {
            Codec<?> codec = CODECS.get((data[0] & 0xff) % CODECS.size());
            Fuzzed.run(data, () -> codec.fromBytes(Arrays.copyOfRange(data, 1, data.length)));
        }
    }
}
