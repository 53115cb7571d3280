// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RefreshLedgerTest {
    private static final RefreshId FIRST = new RefreshId("m", 0, 0, 1);
    private static final RefreshId SECOND = new RefreshId("m", 0, 1, 1);

    private final RefreshLedger ledger = new RefreshLedger();

    @Test
    void theEldestIsTheOneAskedForLongestAgo() {
        ledger.asked(FIRST, 10);
        ledger.asked(SECOND, 20);
        assertThat(ledger.eldest()).contains(FIRST);
        assertThat(ledger.eldestAskedAt()).hasValue(10);

        ledger.asked(FIRST, 30);
        assertThat(ledger.eldest()).contains(SECOND);
        assertThat(ledger.size()).isEqualTo(2);
    }

    @Test
    void anAnswerCountsOnce() {
        ledger.asked(FIRST, 10);

        assertThat(ledger.answered(SECOND)).isEmpty();
        assertThat(ledger.answered(FIRST)).hasValue(10);
        assertThat(ledger.answered(FIRST)).isEmpty();
        assertThat(ledger.eldest()).isEmpty();
    }
}
