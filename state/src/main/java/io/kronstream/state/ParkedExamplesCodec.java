// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Example;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Bytes of {@link ParkedExamples}. */
public final class ParkedExamplesCodec implements Codec<ParkedExamples> {
    private static final long serialVersionUID = 1;
    private static final ExampleCodec EXAMPLE = new ExampleCodec();

    @Override
    public int layout() {
        return 1;
    }

    @Override
    public void write(ParkedExamples parked, DataOutput out) throws IOException {
        out.writeInt(parked.examples().size());
        for (Example example : parked.examples()) {
            EXAMPLE.writeWithLayout(example, out);
        }
    }

    @Override
    public ParkedExamples read(int layout, DataInput in) throws IOException {
        int count = Wire.readLength("parked examples", ParkedExamples.MAX_EXAMPLES, in);
        List<Example> examples = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            examples.add(EXAMPLE.readWithLayout(in));
        }
        return new ParkedExamples(examples);
    }
}
