// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NumericInputsTest {
    private static final int COLUMNS = 37;
    private static final long SEED = 11;

    private final List<Numeric> columns =
            IntStream.range(0, COLUMNS).mapToObj(i -> Numeric.plain("x" + i)).toList();

    /** In passes over all columns or one by one, with missing values now and then, and after a restore. */
    @Test
    void columnsTogetherGiveTheBitsOfEachAlone() throws IOException {
        NumericInputs together = new NumericInputs(columns);
        List<NumericInput> alone = new ArrayList<>();
        for (Numeric column : columns) {
            alone.add(new NumericInput(column, new RunningMoments(1), 0));
        }
        Random random = new Random(SEED);
        for (int record = 0; record < 500; record++) {
            double[] values = values(random, record);
            together.add(values);
            float[] inputs = new float[COLUMNS];
            assertThat(together.write(inputs)).isEqualTo(COLUMNS);
            float[] expected = new float[COLUMNS];
            for (int i = 0; i < COLUMNS; i++) {
                alone.get(i).add(values[i]);
                alone.get(i).write(expected, i);
            }
            assertThat(inputs).as("record %d, seed %d", record, SEED).isEqualTo(expected);
            if (record % 100 == 50) {
                together = restored(together);
            }
        }
    }

    private static double[] values(Random random, int record) {
        double[] values = random.doubles(COLUMNS + 2, -100, 100).toArray(); // other columns come after the numeric ones
        values[0] = 3; // always
        values[1] = record % 50 == 49 ? 1e30 : values[1] * 1e-12;
        if (record % 7 == 3) {
            values[random.nextInt(COLUMNS)] = Double.NaN;
        }
        return values;
    }

    private NumericInputs restored(NumericInputs inputs) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        inputs.write(new DataOutputStream(bytes));
        NumericInputs restored = new NumericInputs(columns);
        restored.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
        return restored;
    }
}
