// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SplitMix64Test {
    /** First values for seed 1234567 of the reference implementation (Vigna, {@code splitmix64.c}). */
    @Test
    void equalsTheReferenceSequence() {
        SplitMix64 random = new SplitMix64(1234567);

        assertThat(random.nextLong()).isEqualTo(Long.parseUnsignedLong("6457827717110365317"));
        assertThat(random.nextLong()).isEqualTo(Long.parseUnsignedLong("3203168211198807973"));
        assertThat(random.nextLong()).isEqualTo(Long.parseUnsignedLong("9817491932198370423"));
        assertThat(random.nextLong()).isEqualTo(Long.parseUnsignedLong("4593380528125082431"));
        assertThat(random.nextLong()).isEqualTo(Long.parseUnsignedLong("16408922859458223821"));
    }

    @Test
    void namesSeparateSequencesOfOneSeed() {
        assertThat(new SplitMix64(1, "inputs").nextLong()).isNotEqualTo(new SplitMix64(1, "noise").nextLong());
    }

    @Test
    void doublesLieInTheUnitInterval() {
        SplitMix64 random = new SplitMix64(1);
        double sum = 0;
        for (int i = 0; i < 100_000; i++) {
            double value = random.nextDouble();
            assertThat(value).isBetween(0.0, Math.nextDown(1.0));
            sum += value;
        }
        // Five standard deviations of the mean: 5 / sqrt(12 n).
        assertThat(sum / 100_000).isBetween(0.5 - 0.0046, 0.5 + 0.0046);
    }
}
