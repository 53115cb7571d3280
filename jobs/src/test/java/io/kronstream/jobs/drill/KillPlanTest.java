// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.jobs.drill.KillPlan.Kill;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KillPlanTest {
    private static final long EXAMPLES = 100_000;

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 7, 40})
    void everyKindOfVictimOccurs(int kills) {
        for (long seed = 1; seed <= 20; seed++) {
            assertThat(KillPlan.of(kills, EXAMPLES, seed))
                    .hasSize(kills)
                    .extracting(Kill::victim)
                    .contains(Victim.values());
        }
    }

    @Test
    void killsFallInOrderIntoTheMiddleOfTheStream() {
        List<Long> moments =
                KillPlan.of(20, EXAMPLES, 7).stream().map(Kill::examples).toList();

        assertThat(moments).isSorted().doesNotHaveDuplicates();
        assertThat(moments.get(0)).isBetween(5_000L, 9_000L);
        assertThat(moments.get(19)).isBetween(81_000L, 85_000L);
    }

    @Test
    void everyFourthKillFollowsHardOnTheOneBefore() {
        List<Kill> plan = KillPlan.of(9, EXAMPLES, 3);

        assertThat(plan)
                .extracting(Kill::follows)
                .containsExactly(false, false, false, true, false, false, false, true, false);
        assertThat(plan).allMatch(kill -> kill.afterMillis() < KillPlan.PAIR_MILLIS);
    }

    @Test
    void theSeedDecides() {
        assertThat(KillPlan.of(9, EXAMPLES, 3)).isEqualTo(KillPlan.of(9, EXAMPLES, 3));
        assertThat(KillPlan.of(9, EXAMPLES, 3)).isNotEqualTo(KillPlan.of(9, EXAMPLES, 4));
    }
}
