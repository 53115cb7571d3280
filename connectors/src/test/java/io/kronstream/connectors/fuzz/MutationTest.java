// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Gives every decoder mutations of the corpus in {@code src/test/resources/fuzz} from a seeded generator: fast, in this
 * process, and without a look at what they reach, for which there is {@link FuzzITCase}. {@code
 * -Dkronstream.fuzz.mutations=N} gives each decoder so many.
 */
class MutationTest {
    private static final int INPUTS = Integer.getInteger("kronstream.fuzz.mutations", 5_000);
    private static final long SEED = Long.getLong("kronstream.fuzz.seed", 20261121);
    private static final int MAX_LENGTH = 1 << 12;

    @ParameterizedTest
    @MethodSource("io.kronstream.connectors.fuzz.Targets#all")
    void whateverTheBytesAreTheyAreReadOrRefused(Targets.Target target) {
        List<byte[]> seeds = target.seeds();
        assertThat(seeds).isNotEmpty();
        Random random = new Random(SEED);
        for (int round = 0; round < INPUTS; round++) {
            byte[] input = round < seeds.size() ? seeds.get(round) : mutated(seeds, random);
            try {
                target.decoder().invokeExact(input);
            } catch (Throwable e) {
                throw new AssertionError(
                        "Seed " + SEED + ", round " + round + ": "
                                + HexFormat.of().formatHex(input),
                        e);
            }
        }
    }

    private static byte[] mutated(List<byte[]> seeds, Random random) {
        byte[] input = seeds.get(random.nextInt(seeds.size())).clone();
        for (int i = 1 + random.nextInt(6); i > 0; i--) {
            int at = random.nextInt(input.length + 1);
            int to = at + random.nextInt(Math.min(32, input.length - at) + 1);
            byte[] other = seeds.get(random.nextInt(seeds.size()));
            int from = random.nextInt(other.length + 1);
            byte[] piece =
                    switch (random.nextInt(4)) {
                        case 0 -> new byte[0];
                        case 1 -> Arrays.copyOfRange(other, from, Math.min(other.length, from + random.nextInt(64)));
                        case 2 -> Arrays.copyOfRange(input, at, to);
                        default -> {
                            byte[] noise = new byte[1 + random.nextInt(8)];
                            random.nextBytes(noise);
                            yield noise;
                        }
                    };
            byte[] changed = new byte[Math.min(MAX_LENGTH, input.length - (to - at) + piece.length)];
            int head = Math.min(at, changed.length);
            System.arraycopy(input, 0, changed, 0, head);
            int middle = Math.min(piece.length, changed.length - head);
            System.arraycopy(piece, 0, changed, head, middle);
            int tail = Math.min(input.length - to, changed.length - head - middle);
            System.arraycopy(input, to, changed, head + middle, tail);
            input = changed;
        }
        return input;
    }
}
