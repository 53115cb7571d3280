// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.linalg.Arena;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ArenaBlocksTest {
    /** 640 000 and 45 150 elements: three blocks, the last one short, and a border inside each tensor. */
    private static final List<TensorSpec> TENSORS =
            List.of(TensorSpec.dense("wide", 800, 800), TensorSpec.symmetric("factor", 300));

    @Test
    void anArenaInSeveralBlocksIsPutTogetherAgain() {
        try (Arena arena = filled();
                Arena copy = new Arena(Precision.FLOAT, TENSORS, List.of())) {
            ArenaBlocks packing = new ArenaBlocks();
            List<byte[]> blocks = new ArrayList<>();
            for (int block = 0; block < ArenaBlocks.count(arena); block++) {
                blocks.add(packing.pack(arena, block));
            }
            assertThat(blocks).hasSize(3);
            assertThat(blocks.get(0)).hasSize(1 << 20);
            assertThat(blocks.get(1)).hasSize(1 << 20);

            for (int block = 0; block < blocks.size(); block++) {
                packing.unpack(copy, block, blocks.get(block));
            }
            assertThat(copy.digest()).isEqualTo(arena.digest());
            assertThat(copy.tensor("factor").get(299, 1))
                    .isEqualTo(arena.tensor("factor").get(1, 299));
        }
    }

    @Test
    void onlyBlocksThatATensorTouchesAreDirty() {
        try (Arena arena = filled()) {
            arena.clearDirty();
            arena.markDirty("factor");

            assertThat(ArenaBlocks.isDirty(arena, 0)).isFalse();
            assertThat(ArenaBlocks.isDirty(arena, 1)).isFalse();
            assertThat(ArenaBlocks.isDirty(arena, 2)).isTrue();
        }
    }

    @Test
    void aBlockOfAnotherSizeIsRefused() {
        try (Arena arena = filled()) {
            assertThatThrownBy(() -> new ArenaBlocks().unpack(arena, 2, new byte[8]))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Block 2 of 3 must have")
                    .hasMessageContaining("was 8");
        }
    }

    private static Arena filled() {
        Arena arena = new Arena(Precision.FLOAT, TENSORS, List.of());
        Matrix wide = arena.tensor("wide");
        float[] row = new float[800];
        for (int i = 0; i < 800; i++) {
            for (int j = 0; j < 800; j++) {
                row[j] = Float.intBitsToFloat(0x3e000000 + 800 * i + j);
            }
            wide.write(800 * i, row, 0, 800);
        }
        Matrix factor = arena.tensor("factor");
        for (int i = 0; i < 300; i++) {
            for (int j = 0; j < 300; j++) {
                factor.set(i, j, 1.0 / (1 + i * j));
            }
        }
        arena.markDirty("wide");
        arena.markDirty("factor");
        return arena;
    }
}
