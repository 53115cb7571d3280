// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArenaTest {
    private static final List<TensorSpec> SPECS = List.of(
            TensorSpec.dense("weights", 3, 4),
            TensorSpec.symmetric("factor", 5),
            TensorSpec.dense("vector", 7, 1),
            TensorSpec.symmetric("number", 1));
    private static final long LENGTH = 12 + 15 + 7 + 1;

    private static Arena filled() {
        Arena arena = new Arena(Precision.FLOAT, SPECS, List.of("steps"));
        Random random = new Random(3);
        for (TensorSpec spec : SPECS) {
            Matrix tensor = arena.tensor(spec.name());
            tensor.copyFrom(Samples.normal(Precision.FLOAT, spec.rows(), spec.columns(), 1, random));
            if (spec.symmetric()) {
                tensor.mirrorUpper();
            }
        }
        arena.setCounter("steps", 42);
        return arena;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 13, 34, 35})
    void everyCutIntoBlocksRestoresEveryBit(int block) {
        try (Arena arena = filled();
                Arena copy = new Arena(Precision.FLOAT, SPECS, List.of("steps"))) {
            assertThat(arena.packedLength()).isEqualTo(LENGTH);
            for (long from = 0; from < LENGTH; from += block) {
                int length = (int) Math.min(block, LENGTH - from);
                float[] values = new float[length + 2];
                arena.pack(from, values, 1, length);
                copy.unpack(from, values, 1, length);
            }
            copy.setCounter("steps", 42);

            assertThat(copy.digest()).isEqualTo(arena.digest());
            for (int i = 0; i < 5; i++) {
                for (int j = 0; j < 5; j++) {
                    assertThat(copy.tensor("factor").get(i, j))
                            .isEqualTo(arena.tensor("factor").get(i, j));
                }
            }
        }
    }

    @Test
    void sequenceHoldsTensorsInOrderAndUpperTriangles() {
        try (Arena arena = filled()) {
            float[] values = new float[(int) LENGTH];
            arena.pack(0, values, 0, values.length);
            assertThat(values[5]).isEqualTo((float) arena.tensor("weights").get(1, 1));
            assertThat(values[12 + 4]).isEqualTo((float) arena.tensor("factor").get(0, 4));
            assertThat(values[12 + 5]).isEqualTo((float) arena.tensor("factor").get(1, 1));
            assertThat(values[12 + 14]).isEqualTo((float) arena.tensor("factor").get(4, 4));
            assertThat(values[12 + 15]).isEqualTo((float) arena.tensor("vector").get(0, 0));
        }
    }

    @Test
    void dirtyRangesAreThoseOfMarkedTensors() {
        try (Arena arena = filled()) {
            assertThat(arena.isDirty(0, LENGTH)).isFalse();
            arena.markDirty("factor");
            assertThat(arena.isDirty(0, 12)).isFalse();
            assertThat(arena.isDirty(11, 13)).isTrue();
            assertThat(arena.isDirty(26, 27)).isTrue();
            assertThat(arena.isDirty(27, LENGTH)).isFalse();
            arena.clearDirty();
            assertThat(arena.isDirty(0, LENGTH)).isFalse();
        }
    }

    @Test
    void digestDependsOnElementsCountersAndNames() {
        try (Arena arena = filled();
                Arena other = new Arena(Precision.FLOAT, List.of(TensorSpec.dense("a", 1, 1)), List.of());
                Arena renamed = new Arena(Precision.FLOAT, List.of(TensorSpec.dense("b", 1, 1)), List.of())) {
            String before = arena.digest();
            assertThat(before).matches("[0-9a-f]{64}");
            arena.setCounter("steps", 43);
            String counted = arena.digest();
            arena.tensor("number").set(0, 0, 5);
            assertThat(List.of(before, counted, arena.digest())).doesNotHaveDuplicates();
            assertThat(other.digest()).isNotEqualTo(renamed.digest());
        }
    }

    @Test
    void misuseIsNamed() {
        assertThatThrownBy(() -> new Arena(Precision.FLOAT, List.of(SPECS.get(0), SPECS.get(0)), List.of()))
                .hasMessage("Tensor weights is declared twice");
        Arena arena = filled();
        assertThatThrownBy(() -> arena.tensor("none")).hasMessageContaining("Unknown tensor none");
        assertThatThrownBy(() -> arena.counter("none")).hasMessageContaining("Unknown counter none");
        assertThatThrownBy(() -> arena.pack(LENGTH - 1, new float[2], 0, 2))
                .isInstanceOf(IndexOutOfBoundsException.class);
        arena.close();
        arena.close();
        assertThatThrownBy(arena::digest).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void bytesCountElementsAndOverhead() {
        try (Arena arena = filled()) {
            assertThat(arena.heapBytes() + arena.nativeBytes()).isBetween(4 * (12 + 25 + 7 + 1L), 10_000L);
        }
    }
}
