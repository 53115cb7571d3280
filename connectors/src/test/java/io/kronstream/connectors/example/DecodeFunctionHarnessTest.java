// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.Example;
import io.kronstream.state.DeadLetter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.ProcessOperator;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // the harness's close() declares every exception
class DecodeFunctionHarnessTest {
    private static final int MAX_PARALLELISM = 8;

    @Test
    void separatesExamplesFromDeadLetters() throws Exception {
        try (OneInputStreamOperatorTestHarness<RawRecord, Example> harness = harness(1, 0)) {
            harness.open();
            harness.processElement(raw(0, "1,2,3"), 0);
            harness.processElement(raw(1, "1,2"), 0);
            harness.processElement(raw(2, "4,5,6"), 0);

            assertThat(harness.extractOutputValues())
                    .extracting(Example::offset)
                    .containsExactly(0L, 2L);
            List<DeadLetter> letters = new ArrayList<>();
            harness.getSideOutput(DecodeFunction.DEAD_LETTERS).forEach(letter -> letters.add(letter.getValue()));
            assertThat(letters).hasSize(1);
            assertThat(letters.get(0))
                    .usingRecursiveComparison()
                    .isEqualTo(new DeadLetter(
                            "examples",
                            4,
                            1,
                            77,
                            "fields",
                            "The record has 2 fields, the schema has 3 columns: column 'y' and what follows are missing",
                            null,
                            "1,2".getBytes(StandardCharsets.UTF_8)));
        }
    }

    @Test
    void countsRejectedRecordsAcrossRestoresAndRescaling() throws Exception {
        OperatorSubtaskState snapshot;
        try (OneInputStreamOperatorTestHarness<RawRecord, Example> harness = harness(1, 0)) {
            harness.open();
            for (int i = 0; i < 5; i++) {
                harness.processElement(raw(i, "bad"), 0);
            }
            snapshot = harness.snapshot(1, 1);
            harness.processElement(raw(5, "bad"), 0); // lost with the failure, and read again
        }

        long total = 0;
        for (int subtask = 0; subtask < 2; subtask++) {
            try (OneInputStreamOperatorTestHarness<RawRecord, Example> harness = harness(2, subtask)) {
                harness.initializeState(AbstractStreamOperatorTestHarness.repartitionOperatorState(
                        snapshot, MAX_PARALLELISM, 1, 2, subtask));
                harness.open();
                harness.processElement(raw(5, "bad"), 0);
                total += (Long) harness.getOperator()
                        .getRuntimeContext()
                        .getAccumulator(DecodeFunction.REJECTED)
                        .getLocalValue();
            }
        }
        assertThat(total).isEqualTo(7);
    }

    @Test
    void rawRecordsTravelWithTheirNulls() throws Exception {
        RawRecordCodec codec = new RawRecordCodec();
        for (RawRecord raw : List.of(
                new RawRecord("t", 1, 2, 3, null, null),
                new RawRecord("größe", 1, 2, 3, new byte[0], new byte[] {1, 2}))) {
            assertThat(codec.fromBytes(codec.toBytes(raw)))
                    .usingRecursiveComparison()
                    .isEqualTo(raw);
        }
    }

    private static OneInputStreamOperatorTestHarness<RawRecord, Example> harness(int parallelism, int subtask)
            throws Exception {
        DecodeFunction function = new DecodeFunction(new ExampleDecoder(Schemas.regression(), "m"));
        return new OneInputStreamOperatorTestHarness<>(
                new ProcessOperator<>(function), MAX_PARALLELISM, parallelism, subtask);
    }

    private static RawRecord raw(long offset, String line) {
        return new RawRecord("examples", 4, offset, 77, null, line.getBytes(StandardCharsets.UTF_8));
    }
}
