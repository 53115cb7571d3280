// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AnswerAssemblerTest {
    private static final int LENGTH = 3 * AnswerChunk.DATA_BYTES + 5;

    private final AnswerAssembler assembler = new AnswerAssembler(2L * LENGTH);

    @Test
    void putsPiecesTogetherInAnyOrderAndTwice() {
        byte[] answer = answer(1);
        List<byte[]> pieces = new ArrayList<>(AnswerChunk.cut("m", 7, 1, answer));
        pieces.addAll(pieces.subList(0, 3));
        Collections.shuffle(pieces.subList(0, 7), new Random(20261120));

        List<byte[]> whole = feed(pieces);

        assertThat(whole).containsExactly(answer);
    }

    @Test
    void aPieceIsSmallAndCarriesTheModel() {
        List<byte[]> pieces = AnswerChunk.cut("größe", 7, 1, answer(1));

        assertThat(pieces).hasSize(4).allSatisfy(piece -> {
            assertThat(piece.length).isLessThan(AnswerChunk.DATA_BYTES + 100);
            assertThat(AnswerChunk.parse(piece).model()).isEqualTo("größe");
        });
        assertThat(feed(AnswerChunk.cut("m", 1, 1, new byte[] {9}))).containsExactly(new byte[] {9});
    }

    @Test
    void keepsAnswersOfSeveralWritersApart() {
        List<byte[]> pieces = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            pieces.add(AnswerChunk.cut("m", 7, 1, answer(1)).get(i));
            pieces.add(AnswerChunk.cut("m", 8, 1, answer(2)).get(i));
        }

        assertThat(feed(pieces)).containsExactly(answer(1), answer(2));
        assertThat(assembler.bytes()).isZero();
    }

    @Test
    void givesUpTheOldestWhenMemoryIsShort() {
        for (int sequence = 0; sequence < 5; sequence++) {
            feed(AnswerChunk.cut("m", 7, sequence, answer(sequence)).subList(0, 3));
            assertThat(assembler.bytes()).isLessThanOrEqualTo(2L * LENGTH);
        }

        assertThat(assembler.abandoned()).isEqualTo(3);
        assertThat(feed(AnswerChunk.cut("m", 7, 4, answer(4)).subList(3, 4))).containsExactly(answer(4));
        assertThat(feed(AnswerChunk.cut("m", 7, 0, answer(0)).subList(3, 4))).isEmpty();
    }

    @Test
    void refusesWhatIsNoPiece() {
        byte[] piece = AnswerChunk.cut("m", 7, 1, answer(1)).get(3);
        AnswerChunk.parse(piece);

        assertRefused(null);
        assertRefused(new byte[0]);
        assertRefused(Arrays.copyOf(piece, 10));
        assertRefused(Arrays.copyOf(piece, piece.length - 1));
        assertRefused(Arrays.copyOf(piece, piece.length + 1));
        assertRefused(changed(piece, 0, 2)); // layout
        assertRefused(changed(piece, 17, 0x7f)); // total
        assertRefused(changed(piece, 17, 0xff));
        assertRefused(changed(piece, 21, 0xff)); // offset
        assertRefused(changed(piece, 24, 1));
        assertRefused(changed(piece, 25, 0xff)); // length of the model's id
        assertRefused(changed(piece, 25, 0x10));
        assertThatThrownBy(() -> AnswerChunk.cut("m", 7, 1, new byte[AnswerChunk.MAX_ANSWER_BYTES + 1]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesPiecesThatDisagree() {
        feed(AnswerChunk.cut("m", 7, 1, answer(1)).subList(0, 1));
        AnswerChunk other = AnswerChunk.parse(
                AnswerChunk.cut("m", 7, 1, new byte[LENGTH + 1]).get(1));

        assertThatThrownBy(() -> assembler.accept(other)).isInstanceOf(IllegalArgumentException.class);
    }

    private static void assertRefused(byte[] record) {
        assertThatThrownBy(() -> AnswerChunk.parse(record)).isInstanceOf(IllegalArgumentException.class);
    }

    private static byte[] changed(byte[] bytes, int at, int value) {
        byte[] changed = bytes.clone();
        changed[at] = (byte) value;
        return changed;
    }

    private List<byte[]> feed(List<byte[]> pieces) {
        List<byte[]> whole = new ArrayList<>();
        pieces.forEach(piece -> assembler.accept(AnswerChunk.parse(piece)).ifPresent(whole::add));
        return whole;
    }

    private static byte[] answer(long seed) {
        byte[] answer = new byte[LENGTH];
        new Random(seed).nextBytes(answer);
        return answer;
    }
}
